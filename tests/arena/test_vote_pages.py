"""The vote page as a browser without JavaScript sees it, and the pieces that htmx swaps."""

import re
import uuid

import pytest
from django.core.cache import cache
from django.urls import reverse

from arena.models import Ballot, Vote, Voter
from arena.outcomes import Order
from arena.services import voting
from tests.factories import make_answers, make_benchmark, make_matches

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


@pytest.fixture
def match():
    """One pair: Hornbeam of Acme said red, Bittern of Zenith said green."""
    benchmark = make_benchmark(1, slug="colours")
    make_answers(benchmark, "red", name="Hornbeam", organisation="Acme")
    make_answers(benchmark, "green", name="Bittern", organisation="Zenith")
    [match] = make_matches(benchmark)
    return match


def the_token() -> uuid.UUID:
    return Ballot.objects.get().token


def cast(client, token, choice="first", **extra):
    return client.post(reverse("cast", args=[token]), {"choice": choice}, **extra)


def test_the_whole_way_without_javascript(client, match):
    page = client.get("/").content.decode()
    assert f'action="/vote/{the_token()}/cast/"' in page
    response = cast(client, the_token())
    assert response.status_code == 302
    assert response["Location"] == f"/vote/{the_token()}/"
    reveal = client.get(response["Location"]).content.decode()
    assert "You chose" in reveal
    assert "Hornbeam" in reveal
    assert "Bittern" in reveal
    assert reverse("match", args=[match.pk]) in reveal
    assert "Next pair" in reveal
    assert "You have seen every pair" in client.get("/").content.decode()


def test_only_pairs_of_the_benchmark_count_as_seen(client, match):
    client.get("/")
    make_benchmark(1, slug="empty")
    page = client.get("/?benchmark=empty").content.decode()
    assert "No pair to vote on yet" in page
    assert "You have seen every pair" not in page


def test_htmx_swaps_the_reveal_and_the_next_pair(client, match):
    client.get("/")
    reveal = cast(client, the_token(), **HTMX)
    assert reveal.status_code == 200
    assert reveal.content.lstrip().startswith(b'<div class="ballot" id="ballot">')
    assert b"Hornbeam" in reveal.content
    following = client.get("/", **HTMX)
    assert b"<html" not in following.content
    assert "HX-Request" in following["Vary"]


@pytest.mark.parametrize("hint", ["Hornbeam", "Bittern", "Acme", "Zenith", "/models/model-", "/matches/"])
def test_nothing_names_the_models_before_the_vote(client, match, hint):
    response = client.get("/")
    everything = response.content.decode() + str(response.headers) + str(response.cookies)
    assert hint not in everything


def test_a_page_with_both_sides_swapped_differs_in_the_texts_alone(client, match):
    pages = []
    for order in (Order.AB, Order.BA):
        client.get("/")
        Ballot.objects.update(order=order)
        response = client.get("/")
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        pages.append((page, sorted(response.headers.items())))
    (first, first_headers), (second, second_headers) = pages
    assert first != second
    swapped = second.replace("red", "\0").replace("green", "red").replace("\0", "green")
    # "red" is found in other words too ("hundred"), so both pages go through the same replacement twice.
    assert swapped.replace("red", "").replace("green", "") == first.replace("red", "").replace("green", "")
    assert re.findall(r"<p dir=\"auto\">(red|green)</p>", first) == ["red", "green"]
    assert re.findall(r"<p dir=\"auto\">(red|green)</p>", second) == ["green", "red"]
    assert [row for row in first_headers if row[0] != "Expires"] == [
        row for row in second_headers if row[0] != "Expires"
    ]


def test_a_vote_posted_twice_shows_the_first_again(client, match):
    client.get("/")
    cast(client, the_token(), "first")
    response = cast(client, the_token(), "second", follow=True)
    assert 'You chose <b class="is-a">A</b>' in response.content.decode()
    assert Vote.objects.count() == 1


def test_a_stranger_gets_a_sentence_and_no_names(client, match, client_of_bob):
    client.get("/")
    token = the_token()
    response = cast(client_of_bob, token)
    assert response.status_code == 403
    assert "shown to somebody else" in response.content.decode()
    cast(client, token)
    page = client_of_bob.get(f"/vote/{token}/")
    assert page.status_code == 403
    assert "Hornbeam" not in page.content.decode()
    assert client_of_bob.get(f"/vote/{token}/", **HTMX)["HX-Redirect"] == "/"


@pytest.fixture
def client_of_bob(bob):
    from django.test import Client

    client = Client()
    client.force_login(bob)
    return client


def test_bad_tokens_and_choices_end_well(client, match):
    client.get("/")
    assert client.post(f"/vote/{uuid.uuid4()}/cast/", {"choice": "first"}).status_code == 403
    assert client.get(f"/vote/{uuid.uuid4()}/").status_code == 404
    assert client.post("/vote/nonsense/cast/").status_code == 404
    for choice in ("", "third", "model_a", "\0"):
        assert cast(client, the_token(), choice)["Location"] == "/"
    assert not Vote.objects.exists()
    assert client.get(f"/vote/{the_token()}/")["Location"] == "/"  # not voted yet: back to the pair
    assert client.get(f"/vote/{the_token()}/cast/").status_code == 405


def test_skip_goes_on_without_a_reveal(client, match):
    client.get("/")
    response = client.post(f"/vote/{the_token()}/skip/", follow=True)
    assert "Hornbeam" not in response.content.decode()
    assert cast(client, the_token())["Location"] == f"/vote/{the_token()}/"
    assert client.get(f"/vote/{the_token()}/")["Location"] == "/"  # skipped: its names are never shown
    assert not Vote.objects.exists()


def test_a_vote_needs_the_forms_token(match):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.get("/")
    response = cast(client, the_token())
    assert response.status_code == 403
    assert "grown old" in response.content.decode()


def test_the_visitors_cookie_is_signed_and_guarded(client, match):
    cookie = client.get("/").cookies["voter"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 365 * 24 * 3600
    voter = Voter.objects.get()
    client.cookies["voter"] = str(voter.cookie)  # the right id without its signature
    client.get("/")
    assert Voter.objects.count() == 2


def test_a_signed_in_person_has_one_voter_and_no_cookie(client_of_bob, match, bob):
    assert "voter" not in client_of_bob.get("/").cookies
    client_of_bob.get("/")
    assert Voter.objects.get().user == bob


def test_turns_stand_under_each_other_and_empty_answers_are_said(client):
    benchmark = make_benchmark(1, turns=["First?", "Second?"])
    make_answers(benchmark, "a text", "")
    make_matches(benchmark)
    page = client.get("/").content.decode()
    places = [page.index(words) for words in ("Turn 1 of 2", "First?", "Turn 2 of 2", "Second?")]
    assert places == sorted(places)
    assert page.count("Empty answer") == 2  # one for each turn of the second model
    assert page.count('<p dir="auto">a text</p>') == 2


def test_any_benchmark_may_be_asked_for(client, match):
    for wish in ("colours", "nowhere", "%00"):
        assert "red" in client.get(f"/?benchmark={wish}").content.decode()


def test_no_pair_at_all_has_a_next_step(client):
    page = client.get("/").content.decode()
    assert "No pair to vote on yet" in page
    assert "/submit/" in page


def test_too_many_pairs_in_an_hour_end_in_a_pause(client, match, monkeypatch):
    monkeypatch.setattr(voting, "BALLOTS_PER_HOUR", 1)
    client.get("/")
    cast(client, the_token())
    response = client.get("/")
    assert response.status_code == 429
    assert 3500 < int(response["Retry-After"]) <= 3600
    assert "short pause" in response.content.decode()
    assert client.get("/", **HTMX)["HX-Redirect"] == "/"


def test_nothing_is_inline_on_the_page(client, match):
    client.get("/")
    for page in (client.get("/"), cast(client, the_token(), follow=True)):
        html = page.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
        assert "script-src" not in page["Content-Security-Policy"]  # so default-src 'self' holds for scripts
        assert "unsafe" not in page["Content-Security-Policy"]
