"""Kept counts equal the rows, whatever happens to the rows, and whoever writes meanwhile."""

import random
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from arena.models import Match, Prompt, Vote, VoteChange, Voter
from arena.outcomes import Order, Winner, verdict_of
from judging.models import Judge, Judgment, JudgmentChange
from leaderboard.models import CountedScope, PairCount
from leaderboard.services.boards import refresh_boards
from leaderboard.services.counting import audit_counts, count_changes
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote, make_voter
from tests.leaderboard.counts import by_hand, kept

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def played():
    """Three models whose ids do not follow the order of their answers, on three prompts."""
    benchmark = make_benchmark(3)
    make_answers(benchmark, "a", "b", "c")
    first, *_ = benchmark.prompts.all()
    # The first model's answer to the first prompt comes last, so that pairs stand both ways round.
    first.answers.order_by("pk").first().delete()
    competitor = benchmark.prompts.last().answers.order_by("pk").first().competitor
    competitor.answers.create(prompt=first, turns=["a"])
    make_matches(benchmark)
    return benchmark


def rule(judge: Judge, match: Match, order: str, winner: str) -> Judgment:
    verdict = verdict_of(winner, order) if winner else ""
    return Judgment.objects.create(
        judge=judge, match=match, order=order, verdict=verdict, winner=winner, created_at=NOW
    )


@pytest.mark.django_db
class TestCounting:
    def test_votes_are_counted_once(self, played):
        match = Match.objects.first()
        make_vote(match, Winner.MODEL_A)
        make_vote(match, Winner.BOTH_BAD)
        assert count_changes() == 2
        assert kept() == by_hand()
        assert sum(kept().values()) == 4  # two votes, each under all prompts and under its tag
        assert count_changes() == 0
        assert not VoteChange.objects.exists()

    def test_points_are_those_of_the_lower_id(self, played):
        turned = next(match for match in Match.objects.all() if match.competitor_a_id > match.competitor_b_id)
        make_vote(turned, Winner.MODEL_A)
        count_changes()
        assert set(PairCount.objects.values_list("low", "high", "quarters")) == {
            (turned.competitor_b_id, turned.competitor_a_id, 0)
        }

    def test_a_withdrawn_vote_is_taken_back(self, played):
        vote = make_vote(Match.objects.first())
        count_changes()
        vote.delete()
        assert count_changes() == 1
        assert not kept()

    def test_a_vote_given_and_withdrawn_between_two_counts_leaves_nothing(self, played):
        make_vote(Match.objects.first()).delete()
        assert count_changes() == 2
        assert not kept()

    def test_quarantine_takes_a_voters_votes_and_release_gives_them_back(self, played):
        voter, match = make_voter(), Match.objects.first()
        make_vote(match, voter=voter)
        make_vote(match)
        count_changes()
        before = kept()
        Voter.objects.filter(pk=voter.pk).quarantine(now=NOW)
        make_vote(Match.objects.last(), voter=voter)  # given in quarantine: kept, not counted
        count_changes()
        assert kept() == by_hand()
        assert sum(kept().values()) == 2
        Voter.objects.filter(pk=voter.pk).release()
        count_changes()
        assert kept() == by_hand()
        assert sum((kept() - before).values()) == 2

    def test_new_tags_move_the_games(self, played):
        match = Match.objects.first()
        make_vote(match)
        rule(make_judge(both_orders=False), match, Order.AB, Winner.TIE)
        count_changes()
        Prompt.objects.filter(pk=match.prompt_id).update(tags=["new", "newer"])
        make_vote(match)
        count_changes()
        assert kept() == by_hand()
        assert {category for _, _, category, *_ in kept()} == {"", "new", "newer"}

    def test_trap_14_two_orders_are_one_game_once_both_are_read(self, played):
        judge, match = make_judge(), Match.objects.first()
        rule(judge, match, Order.AB, Winner.MODEL_A)
        count_changes()
        assert not kept()
        other = rule(judge, match, Order.BA, Winner.TIE)
        count_changes()
        # A win and a tie are three quarters of a point.
        assert {
            (quarters if low == match.competitor_a_id else 4 - quarters, games)
            for (_, _, _, low, _, quarters), games in kept().items()
        } == {(3, 1)}
        other.delete()
        count_changes()
        assert not kept()
        assert not JudgmentChange.objects.exists()

    def test_an_unread_ruling_leaves_its_match_out(self, played):
        judge, match = make_judge(), Match.objects.first()
        rule(judge, match, Order.AB, Winner.MODEL_A)
        rule(judge, match, Order.BA, "")
        count_changes()
        assert not kept()
        assert CountedScope.objects.filter(judge=judge).exists()  # its report says so

    def test_a_model_that_goes_takes_its_counts_along(self, played):
        for match in Match.objects.all():
            make_vote(match)
        count_changes()
        Match.objects.first().competitor_a.delete()
        count_changes()
        assert kept() == by_hand()
        assert kept()

    def test_a_benchmark_that_goes_leaves_nothing(self, played):
        make_vote(Match.objects.first())
        count_changes()
        make_vote(Match.objects.first())
        played.delete()
        count_changes()
        assert not PairCount.objects.exists()
        assert not CountedScope.objects.exists()

    @pytest.mark.parametrize("seed", range(6))
    def test_whatever_happens_the_counts_are_those_of_the_rows(self, played, seed):
        rng = random.Random(seed)
        judges = [make_judge(), make_judge(both_orders=False)]
        voters = [make_voter() for _ in range(4)]
        for _ in range(60):
            _anything(rng, judges, voters)
            if rng.random() < 0.3:
                count_changes()
        count_changes()
        assert kept() == by_hand()
        assert audit_counts() == 0


def _anything(rng: random.Random, judges: list[Judge], voters: list[Voter]) -> None:
    match = rng.choice(list(Match.objects.all()))
    voter = Voter.objects.filter(pk=rng.choice(voters).pk)
    act = rng.choice(
        ["vote", "vote", "rule", "rule", "rule", "undo", "unrule", "quarantine", "release", "tags"]
    )
    if act == "vote" and not match.votes.filter(voter=voter.get()).exists():
        make_vote(match, rng.choice(list(Winner)), voter=voter.get())
    elif act == "rule":
        judge, order = rng.choice(judges), rng.choice([Order.AB, Order.BA])
        if not judge.judgments.filter(match=match, order=order).exists():
            rule(judge, match, order, rng.choice([*Winner, ""]))
    elif act == "undo" and (vote := match.votes.first()):
        vote.delete()
    elif act == "unrule":
        Judgment.objects.filter(match=match, order=rng.choice([Order.AB, Order.BA])).delete()
    elif act == "quarantine":
        voter.quarantine(now=NOW)
    elif act == "release":
        voter.release()
    elif act == "tags":
        tags = rng.sample(["x", "y", "z"], rng.randint(0, 3))
        Prompt.objects.filter(pk=match.prompt_id).update(tags=tags)


@pytest.mark.django_db
class TestAudit:
    def test_a_rebuild_gives_the_same_counts(self, played):
        for match in Match.objects.all():
            make_vote(match, Winner.TIE)
        count_changes()
        before = kept()
        PairCount.objects.all().delete()
        assert audit_counts() == len(before)
        assert kept() == before

    def test_a_wrong_count_is_put_right(self, played):
        make_vote(Match.objects.first())
        count_changes()
        PairCount.objects.filter(category="").update(games=7)
        assert audit_counts() == 1
        assert kept() == by_hand()

    def test_what_waits_is_not_counted_again(self, played):
        make_vote(Match.objects.first())
        audit_counts()
        assert count_changes() == 0
        assert kept() == by_hand()


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_are_each_counted_once(played):
    matches = list(Match.objects.all())
    voters = [make_voter() for _ in range(6)]
    writing = [threading.Thread(target=_write, args=(voter, matches)) for voter in voters]
    done = threading.Event()
    counting = threading.Thread(target=_count_until, args=(done,))
    counting.start()
    for thread in writing:
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    counting.join()
    refresh_boards(now=NOW)
    assert kept() == by_hand()
    assert audit_counts() == 0
    assert Vote.objects.exists()


def _write(voter: Voter, matches: list[Match]) -> None:
    """Vote, take some votes back, and go in and out of quarantine."""
    rng = random.Random(voter.pk)
    try:
        for turn in range(1, 5):
            for match in matches:
                vote = make_vote(match, rng.choice(list(Winner)), voter=voter, turn=turn)
                if rng.random() < 0.3:
                    vote.delete()
            own = Voter.objects.filter(pk=voter.pk)
            _ = own.quarantine(now=NOW) if rng.random() < 0.5 else own.release()
            if rng.random() < 0.3:
                Prompt.objects.filter(pk=rng.choice(matches).prompt_id).update(tags=[f"tag {turn}"])
    finally:
        connection.close()


def _count_until(done: threading.Event) -> None:
    try:
        while not done.is_set():
            count_changes()
    finally:
        connection.close()
