"""A vote that is taken back: within seconds, once, by the person who gave it; its pair stays spent."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from arena.models import Ballot, Vote
from arena.services import voting
from arena.services.voting import Choice, cast_vote, withdraw_vote
from tests.arena.test_voting import get_ballot, run_at_once
from tests.factories import make_answers, make_benchmark, make_matches, make_voter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_pair() -> None:
    """One pair: Hornbeam said red, Bittern said green."""
    benchmark = make_benchmark(1, slug="colours")
    make_answers(benchmark, "red", name="Hornbeam")
    make_answers(benchmark, "green", name="Bittern")
    make_matches(benchmark)


@pytest.fixture
def voted():
    """A voter's ballot, answered at NOW."""
    make_pair()
    ballot = get_ballot(make_voter())
    cast_vote(token=ballot.token, voter=ballot.voter, choice=Choice.FIRST, now=NOW)
    return ballot


def withdraw(ballot, now, voter=None) -> None:
    withdraw_vote(token=ballot.token, voter=voter or ballot.voter, now=now)


class TestService:
    @pytest.mark.parametrize("seconds", [0, 5, 7])  # 5 seconds, and 2 for the network
    def test_a_vote_is_withdrawn_in_time(self, voted, seconds):
        withdraw(voted, after(seconds))
        voted.refresh_from_db()
        assert (voted.answered_at, voted.withdrawn_at) == (NOW, after(seconds))
        assert not Vote.objects.exists()

    def test_after_the_limit_the_vote_stays(self, voted):
        with pytest.raises(voting.TooLateToUndo):
            withdraw(voted, after(7.01))
        assert Vote.objects.count() == 1
        assert Ballot.objects.get().withdrawn_at is None

    def test_withdrawing_twice_changes_nothing(self, voted):
        withdraw(voted, after(1))
        withdraw(voted, after(60))  # a second press that came late: the first one did it
        assert Ballot.objects.get().withdrawn_at == after(1)

    def test_nobody_withdraws_anothers_vote(self, voted):
        with pytest.raises(voting.BallotNotYours):
            withdraw(voted, after(1), voter=make_voter())
        with pytest.raises(voting.BallotUnknown):
            withdraw_vote(token=uuid.uuid4(), voter=voted.voter, now=after(1))
        assert Vote.objects.count() == 1

    def test_the_pair_is_spent(self, voted):
        withdraw(voted, after(1))
        with pytest.raises(voting.AlreadyVoted):  # the names were shown
            cast_vote(token=voted.token, voter=voted.voter, choice=Choice.SECOND, now=after(2))
        assert get_ballot(voted.voter, now=after(3)) is None
        assert not Vote.objects.exists()

    def test_an_open_or_skipped_pair_has_nothing_to_withdraw(self):
        make_pair()
        ballot = get_ballot(make_voter())
        for _ in range(2):
            with pytest.raises(voting.NotYetVoted):
                withdraw(ballot, after(1))
            if Ballot.objects.get().skipped_at is None:
                voting.skip_ballot(token=ballot.token, voter=ballot.voter, now=NOW)

    def test_the_seconds_left_are_rounded_up_and_never_negative(self, voted):
        voted.refresh_from_db()
        left = [voting.undo_seconds(voted, now=after(seconds)) for seconds in (0, 0.2, 4.9, 5, 9)]
        assert left == [5, 5, 1, 0, 0]
        withdraw(voted, after(1))
        voted.refresh_from_db()
        assert voting.undo_seconds(voted, now=after(1)) == 0


def test_votes_and_undos_at_once_end_with_the_vote_withdrawn(transactional_db):
    make_pair()
    ballot = get_ballot(make_voter())
    cast_vote(token=ballot.token, voter=ballot.voter, choice=Choice.FIRST, now=NOW)
    start, outcomes = threading.Barrier(50), []

    def post(number: int) -> None:
        start.wait()
        try:
            if number % 2:
                withdraw(ballot, after(1))
            else:
                cast_vote(token=ballot.token, voter=ballot.voter, choice=Choice.TIE, now=after(1))
            outcomes.append("went through")
        except voting.AlreadyVoted:
            outcomes.append("already")
        finally:
            connection.close()

    run_at_once(post)
    # 25 votes come again and are refused whatever came first; 25 undos all end well.
    assert sorted(outcomes) == ["already"] * 25 + ["went through"] * 25
    assert not Vote.objects.exists()
    assert Ballot.objects.get().withdrawn_at == after(1)


class TestPages:
    @pytest.fixture
    def token(self, client) -> uuid.UUID:
        """This browser's vote, just given."""
        make_pair()
        client.get("/")
        ballot = Ballot.objects.get()
        client.post(reverse("cast", args=[ballot.token]), {"choice": "first"})
        return ballot.token

    def test_the_whole_way_without_javascript(self, client, token):
        reveal = client.get(f"/vote/{token}/").content.decode()
        assert f'action="/vote/{token}/undo/"' in reveal
        assert "1 vote of yours today" in reveal
        response = client.post(f"/vote/{token}/undo/")
        assert response["Location"] == f"/vote/{token}/"
        after_it = client.get(response["Location"]).content.decode()
        assert "Your vote is withdrawn and counts for nothing." in after_it
        assert "Hornbeam" in after_it
        assert "undo/" not in after_it
        assert "of yours today" not in after_it
        assert "your choice" not in after_it
        assert "You have seen every pair" in client.get("/").content.decode()

    def test_htmx_swaps_the_reveal(self, client, token):
        response = client.post(f"/vote/{token}/undo/", **HTMX)
        assert response.status_code == 200
        page = response.content.decode()
        assert page.lstrip().startswith('<div class="ballot" id="ballot">')
        assert "Your vote is withdrawn" in page
        assert 'id="next"' in page
        again = client.post(f"/vote/{token}/undo/", **HTMX).content.decode()
        assert "Your vote is withdrawn" in again

    def test_too_late_is_said(self, client, token):
        Ballot.objects.update(answered_at=Ballot.objects.get().answered_at - timedelta(seconds=8))
        plain, swapped = (client.post(f"/vote/{token}/undo/", **extra) for extra in ({}, HTMX))
        assert (plain.status_code, swapped.status_code) == (409, 200)
        for response in (plain, swapped):
            page = response.content.decode()
            assert "Too late to undo: a vote can be withdrawn within 5 seconds, and this one counts." in page
            assert "You chose" in page
            assert "undo/" not in page
        assert Vote.objects.count() == 1

    def test_a_vote_posted_again_after_the_undo_shows_the_undo(self, client, token):
        client.post(f"/vote/{token}/undo/")
        page = client.post(f"/vote/{token}/cast/", {"choice": "second"}, follow=True).content.decode()
        assert "Your vote is withdrawn" in page
        assert not Vote.objects.exists()

    def test_a_stranger_changes_nothing(self, token):
        stranger = Client()
        assert stranger.post(f"/vote/{token}/undo/").status_code == 403
        assert stranger.post(f"/vote/{token}/undo/", **HTMX)["HX-Redirect"] == "/"
        assert stranger.get(f"/vote/{token}/undo/").status_code == 405
        assert Vote.objects.count() == 1

    def test_an_open_pair_is_shown_again(self, client):
        make_pair()
        client.get("/")
        assert client.post(f"/vote/{Ballot.objects.get().token}/undo/")["Location"] == "/"
