"""Signing up, in and out, in the site's own pages; errors; the staff's pages."""

import pytest
from django.contrib import admin
from django.core.cache import cache

from arena.models import Job
from tests.factories import make_answers, make_benchmark, make_matches, make_vote

pytestmark = pytest.mark.django_db
NEW = {"username": "carol", "password1": "correct horse battery", "password2": "correct horse battery"}


def test_sign_up_leads_to_the_form_and_signs_in(client, django_user_model):
    response = client.post("/accounts/signup/", NEW)
    assert response["Location"] == "/submit/"
    assert django_user_model.objects.get().username == "carol"
    assert "carol" in client.get("/benchmarks/").content.decode()


def test_sign_up_can_be_closed(client, settings, django_user_model):
    settings.ARENA_SIGNUP = False
    assert "Sign-up is closed" in client.get("/accounts/signup/").content.decode()
    client.post("/accounts/signup/", NEW)
    assert not django_user_model.objects.exists()


def test_sign_in_goes_where_one_wanted_to_go(client, alice):
    page = client.get("/accounts/login/?next=/benchmarks/").content.decode()
    assert 'value="/benchmarks/"' in page
    answers = {"login": "alice", "password": "correct horse battery", "next": "/benchmarks/"}
    assert client.post("/accounts/login/", answers)["Location"] == "/benchmarks/"


def test_sign_in_never_leads_to_another_site(client, alice):
    answers = {"login": "alice", "password": "correct horse battery", "next": "https://example.org/"}
    assert client.post("/accounts/login/", answers)["Location"] == "/submit/"


@pytest.fixture
def fresh_limits():
    """How often an address tried to sign in is counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize(
    ("proxies", "strangers", "refused"),
    [
        (0, "192.0.2.1", True),  # without the setting, the proxy's own address stands for everybody
        (1, "192.0.2.1", False),
        (1, "198.51.100.{}, 192.0.2.9", True),  # only the last word is the proxy's
    ],
)
def test_wrong_passwords_of_a_stranger(client, settings, alice, fresh_limits, proxies, strangers, refused):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for number in range(11):  # ten a minute may be wrong
        answers = {"login": f"user {number}", "password": "wrong"}
        client.post("/accounts/login/", answers, headers={"x-forwarded-for": strangers.format(number)})
    answers = {"login": "alice", "password": "correct horse battery"}
    response = client.post("/accounts/login/", answers, headers={"x-forwarded-for": "192.0.2.9"})
    assert (response.status_code != 302) == refused


def test_sign_out_needs_a_press(client, alice):
    client.force_login(alice)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert "alice" in client.get("/benchmarks/").content.decode()
    assert client.post("/accounts/logout/")["Location"] == "/"
    assert "Sign in" in client.get("/benchmarks/").content.decode()


@pytest.mark.parametrize("address", ["login", "signup", "password/reset", "password/reset/done"])
def test_pages_for_visitors_are_the_sites_own(client, address):
    page = client.get(f"/accounts/{address}/").content.decode()
    assert 'class="brand"' in page
    assert 'class="card"' in page


@pytest.mark.parametrize("address", ["logout", "password/change", "email"])
def test_pages_for_members_are_the_sites_own(client, alice, address):
    client.force_login(alice)
    page = client.get(f"/accounts/{address}/").content.decode()
    assert 'class="brand"' in page
    assert 'class="card"' in page


def test_every_admin_list_opens(client, olga):
    make_rows(olga)
    client.force_login(olga)
    for model in admin.site._registry:
        name = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert client.get(name).status_code == 200, name
        row = model._default_manager.first()
        if row is not None:
            assert client.get(f"{name}{row.pk}/change/").status_code == 200, name


def make_rows(owner) -> None:
    benchmark = make_benchmark(1)
    make_answers(benchmark, "red", "green", owner=owner)
    for match in make_matches(benchmark):
        make_vote(match)
    Job.objects.create(kind="judge", owner=1, subject=1)


def test_votes_cannot_be_written_by_staff(client, olga):
    client.force_login(olga)
    assert client.get("/admin/arena/vote/add/").status_code == 403


def test_labels_are_written_as_sentences(client):
    assert "Remember me" in client.get("/accounts/login/").content.decode()
