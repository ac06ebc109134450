"""Snapshots: numbered, whole or not at all, taken when due, and kept whatever happens afterwards."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from arena.models import Competitor, Vote, Voter
from judging.models import Judge
from leaderboard.frozen.tables import ROWS, column_of, cut, join, numbers_of, pack, unpack
from leaderboard.models import (
    KeptBenchmark,
    KeptBoard,
    KeptPart,
    Snapshot,
    SnapshotRequest,
    Standing,
)
from leaderboard.services import freezing, snapshots
from leaderboard.services.boards import refresh_boards
from leaderboard.services.snapshots import NoSnapshot, take_due_snapshot, take_snapshot
from leaderboard.tasks import take_due_snapshot as task
from tests.factories import make_benchmark, make_matches, make_vote, make_voter
from tests.leaderboard.snapshots import NOW, make_arena

DAY = timedelta(days=1)


def everything_kept() -> list:
    """All that a snapshot consists of, byte by byte."""
    rows = [*Snapshot.objects.order_by("pk").values("number", "taken_at", "note", "software", "method")]
    rows += [(part.pk, bytes(part.data)) for part in KeptPart.objects.order_by("pk")]
    rows += [(kept.sha256, kept.name, bytes(kept.outline)) for kept in KeptBenchmark.objects.order_by("pk")]
    rows += [(str(board), board.facts, bytes(board.places)) for board in KeptBoard.objects.order_by("pk")]
    return rows


@pytest.mark.django_db
class TestTaking:
    def test_every_board_is_kept_as_it_stands(self):
        benchmark, judge = make_arena(tags=("all",))
        refresh_boards(now=NOW)
        snapshot = take_snapshot(now=NOW, by="olga", note="first")
        [kept] = snapshot.benchmarks.all()
        # 7 voters on 18 matches; a judge on 24. People: three methods; the judge: people with it besides.
        assert (kept.votes, kept.rulings) == (126, 24)
        found = set(kept.boards.filter(category="").values_list("judge", "method"))
        assert found == {("", method) for method in ("bt", "elo", "style")} | {
            (judge.slug, method) for method in ("bt", "elo", "style", "ppi")
        }
        assert kept.board_count == kept.boards.count()
        assert set(kept.boards.values_list("category", flat=True)) == {"", "all"}
        # The live boards are fitted from the same games, numbered otherwise: to rounding they are the same.
        models = kept.read_outline()["models"]
        for row in kept.boards.all():
            source = {"board__judge__slug": row.judge} if row.judge else {"board__judge": None}
            live = Standing.objects.filter(
                board__benchmark=benchmark, board__category=row.category, board__method=row.method, **source
            )
            by_slug = {each.competitor.slug: each for each in live.select_related("competitor")}
            for standing in row.read().standings:
                other = by_slug[models[standing.model][0]]
                assert standing.rating == pytest.approx(other.rating)
                assert standing.rating_lower == pytest.approx(other.rating_lower)
                assert standing.matches == other.matches

    def test_numbers_follow_each_other_and_equal_things_are_stored_once(self):
        benchmark, _ = make_arena()
        first = take_snapshot(now=NOW, by="olga")
        before = (KeptPart.objects.count(), KeptBoard.objects.count())
        second = take_snapshot(now=NOW + DAY, by="olga")
        assert (first.number, second.number) == (1, 2)
        assert [*first.benchmarks.all()] == [*second.benchmarks.all()]
        assert (KeptPart.objects.count(), KeptBoard.objects.count()) == before
        # One vote more: people's games are another part, those of the judge and the styles are not.
        make_vote(make_matches(benchmark)[0], voter=make_voter(), at=NOW)
        take_snapshot(now=NOW + 2 * DAY, by="olga")
        assert KeptPart.objects.count() == before[0] + 1

    def test_voters_become_numbers_by_first_appearance(self):
        benchmark, _ = make_arena()
        inputs = freezing.freeze_inputs(benchmark)
        voters = numbers_of(inputs.tables["people"]["voter"]).tolist()
        assert [*dict.fromkeys(voters)] == [1, 2, 3, 4, 5, 6, 7]
        assert len(voters) == 126

    def test_withdrawn_models_and_quarantined_voters_are_left_out(self):
        benchmark, _ = make_arena()
        Competitor.objects.order_by("pk").first().withdraw(now=NOW)
        Voter.objects.filter(pk=Voter.objects.order_by("pk").first().pk).quarantine(now=NOW)
        inputs = freezing.freeze_inputs(benchmark)
        # Of three pairs one is left, on 6 prompts, for 6 voters.
        assert (len(inputs.models), inputs.rows("people")) == (2, 36)

    def test_without_any_game_there_is_none(self):
        make_benchmark(2)
        with pytest.raises(NoSnapshot, match="no votes"):
            take_snapshot(now=NOW, by="olga")
        assert not Snapshot.objects.exists()

    def test_a_fit_that_fails_leaves_nothing(self, monkeypatch):
        make_arena("one")
        make_arena("two")
        fit = freezing.Fitter.fit

        def failing(self, judge, category, method):
            if self.inputs.slug == "two" and method == "ppi":
                raise MemoryError
            return fit(self, judge, category, method)

        monkeypatch.setattr(freezing.Fitter, "fit", failing)
        with pytest.raises(MemoryError), transaction.atomic():
            take_snapshot(now=NOW, by="olga")
        assert not everything_kept()

    def test_what_happens_afterwards_changes_nothing(self):
        benchmark, judge = make_arena()
        refresh_boards(now=NOW)
        take_snapshot(now=NOW, by="olga")
        kept = everything_kept()
        Vote.objects.order_by("pk").first().delete()
        for place, competitor in enumerate(Competitor.objects.all()):
            competitor.name, competitor.slug = f"Renamed {place}", f"renamed-{place}"
            competitor.save()
        Judge.objects.filter(pk=judge.pk).update(name="other", slug="other")
        refresh_boards(now=NOW + DAY, everything=True)
        assert everything_kept() == kept
        benchmark.delete()
        Competitor.objects.all().delete()
        refresh_boards(now=NOW + DAY, everything=True)
        assert everything_kept() == kept


@pytest.mark.django_db
class TestWhenDue:
    def test_one_a_day_when_something_was_counted(self):
        benchmark, _ = make_arena()
        refresh_boards(now=NOW)
        assert take_due_snapshot(now=NOW, hours=24).how == "daily"
        make_vote(make_matches(benchmark)[0], voter=make_voter())
        refresh_boards(now=NOW + DAY)
        assert take_due_snapshot(now=NOW + DAY / 2, hours=24) is None
        assert take_due_snapshot(now=NOW + DAY, hours=24).number == 2
        assert take_due_snapshot(now=NOW + 2 * DAY, hours=24) is None

    def test_a_change_that_was_taken_back_makes_none(self, monkeypatch):
        benchmark, _ = make_arena()
        refresh_boards(now=NOW)
        take_due_snapshot(now=NOW, hours=24)
        make_vote(make_matches(benchmark)[0], voter=make_voter()).delete()
        refresh_boards(now=NOW + DAY)
        assert take_due_snapshot(now=NOW + DAY, hours=24) is None
        # The next tick need not read every vote to know that.
        monkeypatch.setattr(snapshots, "freeze_inputs", lambda benchmark: pytest.fail("read again"))
        assert take_due_snapshot(now=NOW + DAY, hours=24) is None

    def test_zero_hours_are_never(self):
        make_arena()
        assert take_due_snapshot(now=NOW, hours=0) is None

    def test_a_wish_is_granted_once(self, settings):
        settings.SNAPSHOT_HOURS = 0
        make_arena()
        SnapshotRequest.objects.create(by="olga", note="before the upgrade")
        task()
        task()
        [snapshot] = Snapshot.objects.all()
        assert (snapshot.by, snapshot.note, snapshot.how) == ("olga", "before the upgrade", "by hand")
        assert not SnapshotRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_takers_at_once_make_no_gap():
    make_arena()
    start, said = threading.Barrier(4), []

    def take() -> None:
        start.wait()
        try:
            said.append(take_snapshot(now=NOW, by="olga").number)
        except NoSnapshot as reason:
            said.append(str(reason))
        finally:
            connections.close_all()

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(60)
    numbers = sorted(each for each in said if isinstance(each, int))
    assert numbers == [*range(1, len(numbers) + 1)]
    assert [*Snapshot.objects.order_by("number").values_list("number", flat=True)] == numbers
    assert {each for each in said if isinstance(each, str)} <= {
        "Another snapshot is being taken. Try again in a while."
    }
    assert len(said) == 4


@pytest.mark.django_db
class TestDemo:
    def forget(self, slug: str) -> None:
        KeptBenchmark.objects.filter(slug=slug).update(is_demo=True)
        snapshots.forget_demo()

    def test_snapshots_of_the_demo_alone_go_with_it(self):
        make_arena("demo")
        take_snapshot(now=NOW, by="")
        take_snapshot(now=NOW, by="olga")
        self.forget("demo")
        assert everything_kept() == []

    def test_an_earlier_one_keeps_its_number_and_others_their_boards(self):
        make_arena("demo")
        take_snapshot(now=NOW, by="olga")
        make_arena("real")
        take_snapshot(now=NOW, by="olga")
        parts = set(KeptBenchmark.objects.get(slug="real").parts.values_list("pk", flat=True))
        self.forget("demo")
        assert [*Snapshot.objects.counted().values_list("number", "votes")] == [(2, 126), (1, 0)]
        assert set(KeptPart.objects.values_list("pk", flat=True)) == parts
        assert take_snapshot(now=NOW, by="olga").number == 3


class TestTables:
    def test_a_part_comes_back_as_it_was(self):
        columns = {"one": column_of([1, -2, 3]), "two": column_of([0, 2**62, -(2**63)])}
        assert unpack(pack(columns)) == columns
        assert unpack(pack({"one": b""})) == {"one": b""}

    def test_a_history_that_grows_shares_its_first_parts(self):
        columns = {"one": column_of(range(ROWS + 5)), "two": column_of(range(ROWS + 5))}
        longer = {name: column + column_of([7]) for name, column in columns.items()}
        before, after = [*cut(columns)], [*cut(longer)]
        assert [part.rows for part in before] == [ROWS, 5]
        assert before[0].sha256 == after[0].sha256
        assert before[1].sha256 != after[1].sha256
        assert join(part.columns for part in after) == longer

    def test_the_order_of_columns_is_nothing(self):
        columns = {"one": column_of([1]), "two": column_of([2])}
        [part], [other] = cut(columns), cut(dict(reversed(columns.items())))
        assert part == other
        assert [*cut({"one": column_of([2]), "two": column_of([1])})] != [part]
