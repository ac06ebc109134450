"""Ballots and votes in the database: each pair once, each vote once, whoever asks how often."""

import random
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection

from arena.markdown import VERSION
from arena.models import Answer, Ballot, Match, Vote, Voter
from arena.outcomes import Order, Winner
from arena.services import voting
from arena.services.choosing import COUNTS_LAST, choose_match
from arena.services.rendering import render_pending, rendered, shown_turns
from arena.services.voting import Choice, cast_vote, ensure_voter, next_ballot
from tests.factories import make_answers, make_benchmark, make_matches, make_vote, make_voter

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DICE = random.Random(7)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_counts():
    """The counts of votes by model live in the process's cache, longer than a test."""
    cache.clear()


@pytest.fixture
def pairs():
    """An open benchmark of 2 prompts and 3 models: 3 pairs on each prompt, 6 matches."""
    benchmark = make_benchmark(2)
    make_answers(benchmark, "red", "green", "blue")
    return make_matches(benchmark)


def get_ballot(voter, **options) -> Ballot | None:
    return next_ballot(voter, **({"now": NOW, "rng": DICE} | options))


def test_an_open_ballot_is_shown_again(pairs):
    voter = make_voter()
    assert get_ballot(voter) == get_ballot(voter)
    assert Ballot.objects.count() == 1


def test_a_voter_gets_every_pair_once_and_then_none(pairs):
    voter, seen = make_voter(), []
    while ballot := get_ballot(voter):
        seen.append(ballot.match)
        cast_vote(token=ballot.token, voter=voter, choice=Choice.FIRST, now=NOW)
    assert sorted(match.pk for match in seen) == [match.pk for match in pairs]


def test_a_skipped_pair_does_not_come_back(pairs):
    voter = make_voter()
    for _ in pairs:
        voting.skip_ballot(token=get_ballot(voter).token, voter=voter, now=NOW)
    assert get_ballot(voter) is None
    assert not Vote.objects.exists()


def test_both_orders_come_up(pairs):
    orders = {get_ballot(make_voter()).order for _ in range(20)}  # all equal once in 2 ** 19
    assert orders == {Order.AB, Order.BA}


def test_closed_benchmarks_are_not_voted_on(pairs):
    benchmark = pairs[0].prompt.benchmark
    voter = make_voter()
    ballot = get_ballot(voter)
    benchmark.is_open = False
    benchmark.save()
    assert get_ballot(voter) is None
    assert get_ballot(make_voter(), benchmark=benchmark) is None
    with pytest.raises(voting.VotingClosed):
        cast_vote(token=ballot.token, voter=voter, choice=Choice.TIE, now=NOW)
    assert not Vote.objects.exists()


def test_a_voter_may_choose_the_benchmark(pairs):
    other = make_benchmark(1)
    make_answers(other, "x", "y")
    make_matches(other)
    voter = make_voter()
    first = get_ballot(voter, benchmark=other)
    assert first.match.prompt.benchmark == other
    assert get_ballot(voter, benchmark=pairs[0].prompt.benchmark) != first
    assert get_ballot(voter, benchmark=other) == first


@pytest.mark.parametrize("second", ["same words", " same \n words\n", None])
def test_pairs_without_a_visible_difference_are_never_shown(second):
    benchmark = make_benchmark(1)
    make_answers(benchmark, "same words", "other")
    Answer.objects.filter(turns=["other"]).update(turns=[second] if second else None)
    make_matches(benchmark)
    assert get_ballot(make_voter()) is None


def test_an_empty_answer_is_shown_against_a_text():
    benchmark = make_benchmark(1)
    make_answers(benchmark, "", "a text")
    make_matches(benchmark)
    ballot = get_ballot(make_voter())
    [turn] = shown_turns(ballot)
    assert sorted([turn.first, turn.second]) == ["", '<p dir="auto">a text</p>\n']


def test_a_model_with_few_votes_gets_its_games_first():
    benchmark = make_benchmark(10)
    old = make_answers(benchmark, "one", "two", "three", "four")
    for match in make_matches(benchmark):
        make_vote(match)
    [new] = make_answers(benchmark, "new")
    make_matches(benchmark)
    # Each old model has 3 votes on each of 10 prompts, so its weight is 1 / 31 and the new one's is 1: the
    # new model comes first with probability 1 / (1 + 4 / 31) = 0.89. Of 40 ballots fewer than 25 with it
    # would be a chance under 1 in 100,000.
    matches = [get_ballot(make_voter()).match for _ in range(40)]
    assert len(old) == 4
    assert sum(new.pk in (match.competitor_a_id, match.competitor_b_id) for match in matches) >= 25
    assert len({match.pk for match in matches}) > 5


@pytest.mark.parametrize(
    ("order", "choice", "winner"),
    [
        (Order.AB, Choice.FIRST, Winner.MODEL_A),
        (Order.AB, Choice.SECOND, Winner.MODEL_B),
        (Order.BA, Choice.FIRST, Winner.MODEL_B),
        (Order.BA, Choice.SECOND, Winner.MODEL_A),
        (Order.BA, Choice.TIE, Winner.TIE),
        (Order.BA, Choice.BOTH_BAD, Winner.BOTH_BAD),
    ],
)
def test_a_choice_by_position_becomes_a_winner_of_the_match(pairs, order, choice, winner):
    voter = make_voter()
    ballot = get_ballot(voter)
    Ballot.objects.update(order=order)
    vote = cast_vote(token=ballot.token, voter=voter, choice=choice, now=NOW + timedelta(seconds=9))
    assert (vote.winner, vote.order, vote.turn, vote.seconds) == (winner, order, None, 9.0)
    assert voting.choice_of(vote) == choice
    assert voting.revealed_ballot(token=ballot.token, voter=voter).vote == vote


def test_a_vote_posted_twice_counts_once(pairs):
    voter = make_voter()
    token = get_ballot(voter).token
    cast_vote(token=token, voter=voter, choice=Choice.FIRST, now=NOW)
    with pytest.raises(voting.AlreadyVoted):  # also after the reveal: nobody votes knowing the names
        cast_vote(token=token, voter=voter, choice=Choice.SECOND, now=NOW)
    with pytest.raises(voting.AlreadyVoted):
        voting.skip_ballot(token=token, voter=voter, now=NOW)
    assert voting.choice_of(Vote.objects.get()) == Choice.FIRST


def test_nobody_votes_on_anothers_ballot_or_sees_its_names(pairs):
    token = get_ballot(make_voter()).token
    for stranger in (make_voter(), None):
        with pytest.raises(voting.BallotNotYours):
            cast_vote(token=token, voter=stranger, choice=Choice.FIRST, now=NOW)
        with pytest.raises(voting.BallotNotYours):
            voting.revealed_ballot(token=token, voter=stranger)
    with pytest.raises(voting.BallotUnknown):
        cast_vote(token=uuid.uuid4(), voter=make_voter(), choice=Choice.FIRST, now=NOW)
    assert not Vote.objects.exists()


def test_names_stay_hidden_until_the_vote(pairs):
    voter = make_voter()
    token = get_ballot(voter).token
    with pytest.raises(voting.NotYetVoted):
        voting.revealed_ballot(token=token, voter=voter)
    voting.skip_ballot(token=token, voter=voter, now=NOW)
    with pytest.raises(voting.NotYetVoted):
        voting.revealed_ballot(token=token, voter=voter)


def test_ballots_are_limited_by_the_hour(pairs, monkeypatch):
    monkeypatch.setattr(voting, "BALLOTS_PER_HOUR", 2)
    voter = make_voter()
    for minute in (0, 10):
        ballot = get_ballot(voter, now=NOW + timedelta(minutes=minute))
        voting.skip_ballot(token=ballot.token, voter=voter, now=NOW)
    with pytest.raises(voting.TooManyBallots) as pause:
        get_ballot(voter, now=NOW + timedelta(minutes=59))
    assert pause.value.until == NOW + timedelta(hours=1)  # when the ballot of minute 0 is an hour old
    assert get_ballot(voter, now=NOW + timedelta(minutes=61)) is not None


def test_a_visitor_who_signs_in_stays_the_same_voter(alice, bob):
    visitor = ensure_voter(user=None, cookie=None)
    assert ensure_voter(user=None, cookie=visitor.cookie) == visitor
    assert ensure_voter(user=alice, cookie=visitor.cookie) == visitor
    assert ensure_voter(user=alice, cookie=None) == visitor
    # The same browser after signing out, and then somebody else's account: other people, other voters.
    assert ensure_voter(user=None, cookie=visitor.cookie) != visitor
    assert ensure_voter(user=bob, cookie=visitor.cookie) not in (visitor, None)
    assert AnonymousUser().pk is None
    assert Voter.objects.count() == 3


def test_answers_are_rendered_once_and_kept(pairs):
    assert render_pending(4) == 4  # of 6 answers (3 models, 2 prompts)
    assert render_pending(4) == 2
    assert render_pending(4) == 0
    answer = Answer.objects.first()
    Answer.objects.filter(pk=answer.pk).update(html=["kept"])
    assert rendered(Answer.objects.get(pk=answer.pk)) == ["kept"]


def test_what_an_older_renderer_made_is_made_anew(pairs):
    render_pending(6)
    first, second, third = Answer.objects.order_by("pk")[:3]
    Answer.objects.filter(pk__in=[first.pk, second.pk]).update(html=["old"], html_version=VERSION - 1)
    Answer.objects.filter(pk=third.pk).update(html=None, html_version=0)
    assert render_pending(1) == 1  # what has none comes first
    assert Answer.objects.get(pk=third.pk).html != ["old"]
    assert rendered(Answer.objects.get(pk=first.pk)) != ["old"]  # when somebody looks
    assert render_pending(6) == 1
    assert not Answer.objects.filter(html=["old"]).exists()
    assert render_pending(6) == 0


def test_fifty_posts_at_once_make_one_vote(transactional_db):
    benchmark = make_benchmark(1)
    make_answers(benchmark, "red", "green")
    make_matches(benchmark)
    voter = make_voter()
    ballot = get_ballot(voter)
    outcomes, start = [], threading.Barrier(50)

    def post(number: int) -> None:
        start.wait()
        try:
            cast_vote(token=ballot.token, voter=voter, choice=list(Choice)[number % 4], now=NOW)
            outcomes.append("voted")
        except voting.AlreadyVoted:
            outcomes.append("already")
        finally:
            connection.close()

    run_at_once(post)
    assert sorted(outcomes) == ["already"] * 49 + ["voted"]
    assert Vote.objects.count() == 1


def test_fifty_pages_opened_at_once_show_one_ballot(transactional_db):
    benchmark = make_benchmark(2)
    make_answers(benchmark, "red", "green", "blue")
    make_matches(benchmark)
    voter, tokens, start = make_voter(), [], threading.Barrier(50)

    def open_page(_number: int) -> None:
        start.wait()
        try:
            tokens.append(get_ballot(voter, rng=random.Random()).token)
        finally:
            connection.close()

    run_at_once(open_page)
    assert len(tokens) == 50
    assert len(set(tokens)) == 1


def run_at_once(work) -> None:
    threads = [threading.Thread(target=work, args=[number]) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_choosing_asks_little_of_the_database(pairs, django_assert_max_num_queries):
    voter = make_voter()
    benchmarks = [pairs[0].prompt.benchmark]
    choose_match(voter, benchmarks, rng=DICE)  # counts the votes, for the next COUNTS_LAST seconds
    assert COUNTS_LAST > 0
    with django_assert_max_num_queries(3):  # one or two samples (before and after a random id), one match
        assert isinstance(choose_match(voter, benchmarks, rng=DICE), Match)
