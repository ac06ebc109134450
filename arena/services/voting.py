"""Voters, the ballots that they are shown, and their votes. The clock and the dice are passed in."""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from random import Random

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from arena.models import Ballot, Benchmark, Match, Vote, Voter
from arena.outcomes import Order, Verdict, Winner, verdict_of, winner_of
from arena.services.choosing import choose_match

BALLOTS_PER_HOUR = 300  # pairs that one voter is shown in an hour
# Names are shown by then: whoever had longer could take back what does not please. What is left for a slip
# of the finger is said on the page; the grace is for the way through the network.
UNDO_LIMIT = timedelta(seconds=5)
UNDO_GRACE = timedelta(seconds=2)


class Choice(StrEnum):
    """What a voter can say of the two answers, by position."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class BallotUnknown(Exception):
    """No ballot has this token."""


class BallotNotYours(Exception):
    """The ballot was shown to somebody else."""


class AlreadyVoted(Exception):
    """The ballot was answered or skipped before."""


class VotingClosed(Exception):
    """The benchmark was closed, or a model withdrawn, after the ballot was issued."""


class NotYetVoted(Exception):
    """The ballot is still open or was skipped, so its names stay hidden."""


class TooLateToUndo(Exception):
    """The vote is older than what may be withdrawn."""


class TooManyBallots(Exception):
    """The voter was shown as many pairs as an hour allows; ``until`` says when the next one comes."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


def known_voter(*, user: User | None, cookie: uuid.UUID | None) -> Voter | None:
    """The voter of a signed-in person or, for a visitor, of the cookie."""
    if user is not None:
        return Voter.objects.filter(user=user).first()
    return Voter.objects.filter(cookie=cookie, user=None).first() if cookie else None


def ensure_voter(*, user: User | None, cookie: uuid.UUID | None) -> Voter:
    """The voter, made when there is none. A visitor who signs in for the first time stays the same voter."""
    voter = known_voter(user=user, cookie=cookie)
    if voter is not None:
        return voter
    if user is None:
        return Voter.objects.create(cookie=uuid.uuid4())
    if cookie is not None:
        _sign_in(cookie, user)
    return Voter.objects.get_or_create(user=user)[0]


def _sign_in(cookie: uuid.UUID, user: User) -> None:
    """Give the visitor's voter to the user. It loses its cookie: the next person here is somebody else."""
    try:
        with transaction.atomic():
            Voter.objects.filter(cookie=cookie, user=None).update(user=user, cookie=None)
    except IntegrityError:  # another request of this user was faster, and made one
        return


def next_ballot(
    voter: Voter, *, benchmark: Benchmark | None = None, now: datetime, rng: Random
) -> Ballot | None:
    """The voter's open ballot, else a new one; None when no pair is left. Raises TooManyBallots."""
    ballot = open_ballot(voter, benchmark)
    if ballot is not None:
        return ballot
    with transaction.atomic():
        # Two pages opened at once wait for each other here and get the same ballot.
        Voter.objects.select_for_update(no_key=True).get(pk=voter.pk)
        return open_ballot(voter, benchmark) or _issue(voter, benchmark, now=now, rng=rng)


def open_ballot(voter: Voter, benchmark: Benchmark | None = None) -> Ballot | None:
    unspent = voter.ballots.filter(answered_at=None, skipped_at=None)
    in_play = Match.objects.in_play().filter(pk=OuterRef("match"))
    ballots = _whole(unspent.filter(Exists(in_play), match__prompt__benchmark__is_open=True))
    return (ballots.filter(match__prompt__benchmark=benchmark) if benchmark else ballots).first()


def _whole(ballots: QuerySet[Ballot]) -> QuerySet[Ballot]:
    answers = ("match__answer_a", "match__answer_b")
    return ballots.select_related("match__prompt__benchmark", *answers).order_by("id")


def _issue(voter: Voter, benchmark: Benchmark | None, *, now: datetime, rng: Random) -> Ballot | None:
    recent = voter.ballots.filter(issued_at__gt=now - timedelta(hours=1)).order_by("-issued_at")
    if oldest := recent.values_list("issued_at", flat=True)[BALLOTS_PER_HOUR - 1 : BALLOTS_PER_HOUR].first():
        raise TooManyBallots(oldest + timedelta(hours=1))
    benchmarks = [benchmark] if benchmark else list(Benchmark.objects.open())
    match = choose_match(voter, [row for row in benchmarks if row.is_open], rng=rng)
    if match is None:
        return None
    order = rng.choice([Order.AB, Order.BA])
    return Ballot.objects.create(voter=voter, match=match, order=order, issued_at=now)


def cast_vote(*, token: uuid.UUID, voter: Voter | None, choice: Choice, now: datetime) -> Vote:
    """Store the vote of an open ballot, once, however often and fast it is posted.

    Raises BallotUnknown, BallotNotYours, AlreadyVoted, VotingClosed.
    """
    with transaction.atomic():
        ballot = _locked(token, voter)
        match = ballot.match
        if not match.prompt.benchmark.is_open or not Match.objects.in_play().filter(pk=match.pk).exists():
            raise VotingClosed
        ballot.answered_at = now
        ballot.save(update_fields=["answered_at"])
        return Vote.objects.create(
            voter_id=ballot.voter_id,
            match=match,
            ballot=ballot,
            order=ballot.order,
            winner=_winner(choice, Order(ballot.order)),
            seconds=(now - ballot.issued_at).total_seconds(),
            created_at=now,
        )


def skip_ballot(*, token: uuid.UUID, voter: Voter | None, now: datetime) -> None:
    """Put a pair aside for good, without a vote and without its names. Raises as cast_vote does."""
    with transaction.atomic():
        ballot = _locked(token, voter)
        ballot.skipped_at = now
        ballot.save(update_fields=["skipped_at"])


def withdraw_vote(*, token: uuid.UUID, voter: Voter | None, now: datetime) -> None:
    """Delete the vote that was just given on a ballot; doing so again changes nothing. The pair stays spent.

    Raises BallotUnknown, BallotNotYours, NotYetVoted, TooLateToUndo.
    """
    with transaction.atomic():
        ballot = _locked(token, voter, spent=True)
        if ballot.answered_at is None:
            raise NotYetVoted
        if ballot.withdrawn_at is not None:
            return
        if now - ballot.answered_at > UNDO_LIMIT + UNDO_GRACE:
            raise TooLateToUndo
        Vote.objects.filter(ballot=ballot).delete()
        ballot.withdrawn_at = now
        ballot.save(update_fields=["withdrawn_at"])


def undo_seconds(ballot: Ballot, *, now: datetime) -> int:
    """How many seconds (rounded up) are left to withdraw the ballot's vote."""
    if ballot.answered_at is None or ballot.withdrawn_at is not None:
        return 0
    return max(0, ceil((ballot.answered_at + UNDO_LIMIT - now).total_seconds()))


def _locked(token: uuid.UUID, voter: Voter | None, *, spent: bool = False) -> Ballot:
    """The voter's ballot with its row locked until the transaction ends; an open one unless ``spent``."""
    ballots = Ballot.objects.select_for_update(of=("self",)).select_related("match__prompt__benchmark")
    ballot = _own(ballots.filter(token=token).first(), voter)
    if not spent and (ballot.answered_at or ballot.skipped_at):
        raise AlreadyVoted
    return ballot


def _own(ballot: Ballot | None, voter: Voter | None) -> Ballot:
    if ballot is None:
        raise BallotUnknown
    if voter is None or ballot.voter_id != voter.pk:
        raise BallotNotYours
    return ballot


def revealed_ballot(*, token: uuid.UUID, voter: Voter | None) -> Ballot:
    """The voter's answered ballot with its models and its vote, if that was not withdrawn.

    Raises BallotUnknown, BallotNotYours, and NotYetVoted (also for a skipped ballot).
    """
    ballots = _whole(Ballot.objects.select_related("vote", "match__competitor_a", "match__competitor_b"))
    ballot = _own(ballots.filter(token=token).first(), voter)
    if ballot.withdrawn_at is None and not hasattr(ballot, "vote"):  # not given, or removed by staff since
        raise NotYetVoted
    return ballot


def votes_since(voter: Voter, moment: datetime) -> int:
    return voter.votes.filter(created_at__gte=moment).count()


def _winner(choice: Choice, order: Order) -> Winner:
    if choice == Choice.BOTH_BAD:
        return Winner.BOTH_BAD
    winner = winner_of(Verdict(choice), order)
    assert winner is not None
    return winner


def choice_of(vote: Vote) -> Choice:
    """What the voter pressed."""
    if vote.winner == Winner.BOTH_BAD:
        return Choice.BOTH_BAD
    return Choice(verdict_of(Winner(vote.winner), Order(vote.order)))
