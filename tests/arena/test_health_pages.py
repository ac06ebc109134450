"""/healthz and /readyz, and HEAD on pages that people GET."""

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.urls import reverse

from arena.models import Ballot, Voter
from tests.factories import make_answers, make_benchmark, make_judge, make_matches

pytestmark = pytest.mark.django_db


def refuse(execute, sql, params, many, context):
    raise OperationalError("the database is gone")


def test_alive_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response["Content-Type"].startswith("text/plain")
    assert "no-store" in response["Cache-Control"]
    with connection.execute_wrapper(refuse):
        assert client.get("/healthz").status_code == 200


def test_ready_when_the_database_answers(client):
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (
        200,
        b"The database answers and every migration is applied.\n",
    )


def test_not_ready_without_the_database(client):
    with connection.execute_wrapper(refuse):
        response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"The database does not answer.\n")


def test_not_ready_before_the_last_migration(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'leaderboard'")
        assert cursor.rowcount > 0
    response = client.get("/readyz")
    assert response.status_code == 503
    assert b"Run manage.py migrate." in response.content
    call_command("migrate", "leaderboard", fake=True, verbosity=0)
    assert client.get("/readyz").status_code == 200


def test_head_answers_wherever_get_does(client, olga):
    benchmark, judge = make_benchmark(1, slug="bench"), make_judge("gpt")
    competitor, _ = make_answers(benchmark, "red", "green")
    [match] = make_matches(benchmark)
    client.force_login(olga)
    pages = [reverse(name) for name in ("submit", "benchmarks", "benchmark_new", "leaderboard", "models")]
    pages += [reverse(name) for name in ("judges", "methods", "healthz", "readyz", "vote", "admin:index")]
    pages += [
        *(match.get_absolute_url(), competitor.get_absolute_url(), judge.get_absolute_url()),
        *(reverse(name, args=["bench"]) for name in ("benchmark", "benchmark_template")),
    ]
    assert {page: client.head(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    client.logout()
    for name in ("account_login", "account_signup", "account_reset_password"):
        assert client.head(reverse(name)).status_code == 200


def test_head_on_the_first_page_spends_no_pair(client):
    make_answers(benchmark := make_benchmark(1), "red", "green")
    make_matches(benchmark)
    response = client.head("/")
    assert (response.status_code, response.content, response.cookies) == (200, b"", {})
    assert not Ballot.objects.exists()
    assert not Voter.objects.exists()


def test_a_reveal_is_read_not_sent(client):
    assert client.post("/vote/0e7a5a06-5f1c-4f0e-8ad7-6a4c0f2b9d11/").status_code == 405
