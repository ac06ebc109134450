"""When suspects may begin in a run, and when the run may claim more."""

import uuid

import pytest

from arena.jobs import Claim
from arena.suspects import Suspects

FRESH = [Claim(1, 1, uuid.uuid4(), attempts=1)]
SUSPECTS = [Claim(2, 2, uuid.uuid4(), attempts=2, deaths=1), Claim(3, 3, uuid.uuid4(), attempts=2, deaths=1)]


@pytest.fixture
def under_way():
    return set()


@pytest.fixture
def suspects(under_way):
    return Suspects(under_way)


def state(suspects):
    return suspects.must_wait, suspects.must_end


def test_what_was_never_at_a_death_neither_waits_nor_bars(suspects, under_way):
    suspects.note(FRESH)
    under_way.add(1)
    suspects.note(FRESH)
    assert (suspects.were_claimed, *state(suspects)) == (False, False, False)


def test_suspects_begin_at_once_where_nothing_is_under_way_and_bar_others(suspects, under_way):
    suspects.note(SUSPECTS)
    assert state(suspects) == (False, False)
    under_way.add(2)
    assert state(suspects) == (False, True)  # the other of the two may begin beside it, nothing else


def test_they_are_over_when_none_is_under_way(suspects, under_way):
    assert not suspects.are_over
    suspects.note(SUSPECTS)
    under_way.add(2)
    assert not suspects.are_over
    under_way.discard(2)
    assert suspects.are_over
    suspects.note(FRESH)
    assert not suspects.are_over


def test_suspects_wait_for_all_that_is_under_way(suspects, under_way):
    under_way.update({8, 9})
    suspects.note(SUSPECTS)
    assert state(suspects) == (True, True)
    under_way.discard(8)
    assert state(suspects) == (True, True)
    under_way.discard(9)
    assert state(suspects) == (False, False)
    under_way.add(2)
    assert state(suspects) == (False, True)


def test_a_claim_of_others_ends_it(suspects, under_way):
    suspects.note(SUSPECTS)
    under_way.add(2)
    under_way.discard(2)
    suspects.note(FRESH)
    under_way.add(1)
    assert state(suspects) == (False, False)
