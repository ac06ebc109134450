"""Every error in the site's own hand: as a page, for htmx, for a script; faults without the database."""

import uuid

import pytest
from django.core.cache import cache
from django.db import DataError, InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from arena.views import benchmarks
from tests.factories import make_benchmark

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
MANY = "&".join(f"f{number}=1" for number in range(1001))  # Django reads 1,000 fields


def a_browser(**options) -> Client:
    """Gets what a visitor gets, in place of the exception."""
    return Client(raise_request_exception=False, **options)


def a_cast() -> str:
    return reverse("cast", args=[uuid.uuid4()])


def malformed(**headers) -> HttpResponse:
    return a_browser().post(a_cast(), "no form", content_type="multipart/form-data; boundary=", **headers)


def unknown_host(**headers) -> HttpResponse:
    return a_browser().get("/", HTTP_HOST="elsewhere.example", **headers)


def old_form(**headers) -> HttpResponse:
    return a_browser(enforce_csrf_checks=True).post(a_cast(), {"choice": "first"}, **headers)


def missing(**headers) -> HttpResponse:
    return a_browser().get("/nothing/here/", **headers)


def not_allowed(**headers) -> HttpResponse:
    return a_browser().get(a_cast(), **headers)


def too_large(**headers) -> HttpResponse:
    # A field alone holds more than DATA_UPLOAD_MAX_MEMORY_SIZE, 1 MiB.
    return a_browser().post(a_cast(), {"choice": "x" * (1024 * 1024 + 1)}, **headers)


def too_many_fields(**headers) -> HttpResponse:
    return a_browser().post(a_cast(), MANY, content_type=FORM, **headers)


def too_many_parameters(**headers) -> HttpResponse:
    return a_browser().get(f"/leaderboard/?{MANY}", **headers)


CASES = {
    malformed: (400, "That request made no sense"),
    unknown_host: (400, "This is not the site’s address"),
    old_form: (403, "The form had grown old"),
    missing: (404, "There is no such page"),
    not_allowed: (405, "There is nothing to see here"),
    too_large: (413, "That was too much at once"),
    too_many_fields: (413, "That was too much at once"),
    too_many_parameters: (413, "That was too much at once"),
}


@pytest.mark.parametrize("cause", CASES)
class TestEachError:
    def test_has_a_page_with_a_next_step(self, cause):
        status, heading = CASES[cause]
        response = cause()
        page = response.content.decode()
        assert response.status_code == status
        assert f"<h1>{heading}</h1>" in page
        assert f"{heading} · Arena</title>" in page
        assert '<p class="actions"> <a class="btn"' in page or cause is unknown_host  # which no link leaves
        assert "no-store" in response["Cache-Control"]
        assert "default-src" in response["Content-Security-Policy"]

    def test_is_a_sentence_for_htmx(self, cause):
        status, heading = CASES[cause]
        response = cause(HTTP_HX_REQUEST="true")
        assert (response.status_code, response["Content-Type"]) == (status, "text/plain; charset=utf-8")
        assert response.content.decode().startswith(f"{heading}. ")
        assert "<" not in response.content.decode()

    def test_is_json_for_a_script(self, cause):
        status, _ = CASES[cause]
        response = cause(HTTP_ACCEPT="application/json")
        assert response.status_code == response.json()["status"] == status
        assert response.json()["error"].endswith(".")


def test_a_page_for_staff_says_so(client, bob):
    client.force_login(bob)
    response = client.get("/benchmarks/new/")
    page = response.content.decode()
    assert response.status_code == 403
    assert "Only the staff of this arena adds benchmarks." in page
    assert "bob" in page  # and who is signed in


def test_an_address_of_another_method_names_it():
    response = not_allowed()
    assert response["Allow"] == "POST"
    assert a_browser().head(a_cast()).status_code == 405


@pytest.mark.parametrize(
    ("address", "content_type"),
    [
        ("/leaderboard/?benchmark=nowhere&format=json", "application/json"),
        ("/leaderboard/?benchmark=nowhere&format=csv", "text/plain; charset=utf-8"),
        ("/benchmarks/nowhere/template.jsonl", "text/plain; charset=utf-8"),
        ("/leaderboard/?benchmark=nowhere", "text/html; charset=utf-8"),
    ],
)
def test_a_missing_file_is_not_answered_with_a_page(client, address, content_type):
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (404, content_type)


def the_database_fails(error: type[Exception]):
    def refuse(execute, sql, params, many, context):
        raise error("the database is gone")

    return connection.execute_wrapper(refuse)


def signed_in(user) -> Client:
    client = a_browser()
    client.force_login(user)
    return client


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize(
    "address", ["/", "/leaderboard/", "/judges/", "/submit/", "/admin/", "/nothing/here/"]
)
def test_without_the_database_there_is_a_calm_page(alice, address, error):
    client = signed_in(alice)  # whose name no page can look up now
    with the_database_fails(error):
        response = client.get(address)
    page = response.content.decode()
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "no-store" in response["Cache-Control"]
    assert "<h1>The site cannot answer right now</h1>" in page
    assert '<a class="btn" href="">Try again</a>' in page
    assert "alice" not in page
    assert "Sign in" not in page  # who is signed in is unknown
    assert client.get("/").status_code == 200  # and then all is as before


def test_a_vote_without_the_database_is_a_sentence():
    with the_database_fails(OperationalError):
        response = a_browser().post(a_cast(), {"choice": "first"}, HTTP_HX_REQUEST="true")
        plain = a_browser().post(a_cast(), {"choice": "first"})
    assert (response.status_code, response["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert "may not have arrived" in response.content.decode()
    assert "may not have arrived" in plain.content.decode()
    assert "Try again</a>" not in plain.content.decode()  # a link cannot send the form again


def test_a_download_without_the_database():
    with the_database_fails(OperationalError):
        response = a_browser().get("/leaderboard/?format=json")
    assert (response.status_code, response.json()["status"]) == (503, 503)


def test_a_fault_has_its_page_without_the_database(alice, monkeypatch, django_assert_num_queries):
    make_benchmark(1, slug="colours")
    client = signed_in(alice)
    monkeypatch.setattr(benchmarks, "PROMPTS_A_PAGE", 0)  # a programming error: pages of no prompts
    with the_database_fails(DataError):  # what the database says of a query, not that it is away
        response = client.get("/benchmarks/colours/")
    assert response.status_code == 500
    assert "<h1>Something went wrong here</h1>" in response.content.decode()
    response = client.get("/benchmarks/colours/")
    assert response.status_code == 500
    assert "alice" not in response.content.decode()
    assert "Retry-After" not in response


def test_too_many_tries_have_their_page(client, settings):
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    answers = {"login": "nobody", "password": "wrong"}
    assert [client.post("/accounts/login/", answers).status_code for _ in range(2)] == [200, 429]
    assert "<h1>Too many tries</h1>" in client.post("/accounts/login/", answers).content.decode()
    cache.clear()
