"""A snapshot as a file: nothing personal in it, the same figures without a database, one line when bad."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction

from arena.models import Competitor, Vote
from leaderboard.models import KeptBoard, Snapshot
from leaderboard.services.snapshots import take_snapshot
from tests.leaderboard.snapshots import NOW, make_arena


def run(name: str, *args) -> str:
    out = io.StringIO()
    call_command(name, *map(str, args), stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture(scope="module")
def written(django_db_setup, django_db_blocker) -> bytes:
    """The file of a snapshot that Olga took; of the database nothing is left."""
    with django_db_blocker.unblock(), TemporaryDirectory() as folder, transaction.atomic():
        make_arena("bench", tags=("even more",))
        first = Competitor.objects.order_by("pk").first()
        Competitor.objects.filter(pk=first.pk).update(name="=cmd|' /C calc'!A0, \"quoted\"")
        take_snapshot(now=NOW, by="olga", note="for the paper")
        run("export_snapshot", 1, "--output", Path(folder) / "one.zip")
        transaction.set_rollback(True)
        return (Path(folder) / "one.zip").read_bytes()


@pytest.fixture
def export(written, tmp_path) -> Path:
    path = tmp_path / "one.zip"
    path.write_bytes(written)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, changed: dict[str, bytes | None], *, honest: bool = False) -> Path:
    """The export with other contents; ``honest``: its index tells the new hashes, as a forger's would."""
    found = members(path) | changed
    if honest:
        index = json.loads(found["snapshot.json"])
        index["files"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in found.items()
            if data is not None and name != "snapshot.json"
        }
        found["snapshot.json"] = json.dumps(index).encode()
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in found.items():
            if data is not None:
                archive.writestr(name, data)
    return other


def complaint(path: Path) -> str:
    with pytest.raises(CommandError) as error:
        run("check_snapshot", path)
    text = str(error.value)
    assert "\n" not in text
    return text


class TestReproducing:
    def test_to_the_digit_without_a_database(self, export):
        command = [sys.executable, "manage.py", "check_snapshot", str(export)]
        away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": "x"}
        result = subprocess.run(
            command,
            cwd=settings.BASE_DIR,
            env=os.environ | away,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (result.returncode, result.stderr.count("Traceback")) == (0, 0), result.stderr
        # 126 votes and 24 judged matches; seven boards of all prompts and seven of a category.
        pattern = r"Fitted again: (\d+) boards with [0-9,]+ figures, from 150 votes and rulings\."
        said = re.search(pattern, result.stdout)
        [listed] = json.loads(members(export)["snapshot.json"])["benchmarks"]
        assert said
        assert int(said[1]) == len(listed["boards"]) == 14
        assert "Every figure is the same, to the last digit." in result.stdout

    @pytest.mark.django_db
    def test_the_file_has_every_digit_of_the_database_and_the_same_bytes_later(self, tmp_path):
        make_arena("bench")
        take_snapshot(now=NOW, by="olga")
        run("export_snapshot", 1, "--output", tmp_path / "one.zip")
        found = members(tmp_path / "one.zip")
        [bench] = json.loads(found["snapshot.json"])["benchmarks"]
        kinds = {(each["source"], each["category"], each["method"]): each["file"] for each in bench["boards"]}
        lines = [*csv.DictReader(io.StringIO(found[kinds["people", "", "bt"]].decode()))]
        stored = KeptBoard.objects.get(judge="", category="", method="bt").read().standings
        assert [float(line["rating_upper"]) for line in lines] == [each.rating_upper for each in stored]
        assert [line["rank_lower"] for line in lines] == [str(each.rank_lower) for each in stored]
        Vote.objects.first().delete()
        Competitor.objects.update(organisation="Somebody else")
        run("export_snapshot", 1, "--output", tmp_path / "again.zip")
        assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "one.zip").read_bytes()

    def test_rate_reads_its_votes(self, export, tmp_path):
        found = members(export)
        [bench] = json.loads(found["snapshot.json"])["benchmarks"]
        kinds = {(each["judge"], each["category"], each["method"]): each["file"] for each in bench["boards"]}
        for judge, table, cluster in (("", "people", "voter"),):
            path = tmp_path / f"{table}.csv"
            path.write_bytes(found[f"bench/{table}.csv"])
            said = run("rate", path, "--cluster", cluster, "--format", "json")
            rated = {row["model"]: row for row in json.loads(said)}
            for line in csv.DictReader(io.StringIO(found[kinds[judge, "", "bt"]].decode())):
                for name in ("rating", "rating_lower", "rating_upper"):
                    assert rated[line["slug"]][name] == pytest.approx(float(line[name]))


def test_nothing_in_it_is_personal(export):
    found = members(export)
    for name, data in found.items():
        text = data.decode()
        for word in ("Very Private Person", "olga", "voter_id", "cookie", "created_at"):
            assert word not in text, (name, word)
    voters = {row["voter"] for row in csv.DictReader(io.StringIO(found["bench/people.csv"].decode()))}
    assert voters == {str(number) for number in range(1, 8)}
    assert "for the paper" in found["snapshot.json"].decode()


def test_names_are_no_formulas(export):
    text = b"".join(data for name, data in members(export).items() if name.endswith(".csv")).decode()
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any(cell.startswith("'=cmd") for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)


class TestBadFiles:
    def test_no_zip(self, tmp_path):
        path = tmp_path / "x.zip"
        path.write_bytes(b"not a zip")
        assert "this is no zip file" in complaint(path)
        assert "No such file" in complaint(tmp_path / "nowhere.zip")

    def test_another_zip(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("hello.txt", "hello")
        assert "no snapshot.json in it" in complaint(tmp_path / "x.zip")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    def test_cut_short(self, export, share):
        data = export.read_bytes()
        export.write_bytes(data[: int(len(data) * share)])
        assert "cut short" in complaint(export)

    def test_a_bit_that_fell_over(self, export):
        with zipfile.ZipFile(export) as archive:
            at = archive.getinfo("bench/people.csv").header_offset + 200
        data = bytearray(export.read_bytes())
        data[at] ^= 0xFF
        export.write_bytes(data)
        assert re.search("cut short|damaged", complaint(export))

    def test_a_missing_member(self, export):
        assert complaint(rewrite(export, {"bench/people.csv": None})).endswith("bench/people.csv is missing.")

    def test_another_content(self, export):
        games = members(export)["bench/people.csv"]
        changed = rewrite(export, {"bench/people.csv": games.replace(b"tie", b"model_a", 1)})
        assert "bench/people.csv was changed: its SHA-256 is" in complaint(changed)

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            (b"tie", b"model_a", "does not hold the games of which snapshot.json has the SHA-256"),
            (b"tie", b"draw", "line"),
            (b"winner", b"outcome", "line 1: the columns must be model_a, model_b, winner"),
            (b",1,", b",one,", "invalid literal"),
        ],
    )
    def test_games_that_were_forged(self, export, before, after, words):
        games = members(export)["bench/people.csv"]
        changed = rewrite(export, {"bench/people.csv": games.replace(before, after, 1)}, honest=True)
        assert words in complaint(changed)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda index: index.pop("benchmarks"), "lacks or misplaces something"),
            (lambda index: index.update(format=99), "not of format 1"),
            (lambda index: index["benchmarks"][0]["models"].pop(), "line"),
            (lambda index: index["benchmarks"][0]["models"][0].__setitem__(1, "X"), "were changed"),
            (lambda index: index["benchmarks"][0].update(boards=7), "lacks or misplaces"),
        ],
    )
    def test_an_index_that_was_changed(self, export, change, words):
        index = json.loads(members(export)["snapshot.json"])
        change(index)
        assert words in complaint(rewrite(export, {"snapshot.json": json.dumps(index).encode()}))

    def test_no_json(self, export):
        assert "is no JSON" in complaint(rewrite(export, {"snapshot.json": b"{"}))

    def test_a_board_that_was_forged_is_found_by_the_fit(self, export, capsys):
        name = next(name for name in members(export) if name.startswith("bench/boards/001-"))
        rows = [*csv.reader(io.StringIO(members(export)[name].decode()))]
        place = rows[0].index("rating")
        rows[1][place] = str(float(rows[1][place]) + 25)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        changed = rewrite(export, {name: text.getvalue().encode()}, honest=True)
        said = complaint(changed)
        assert said.startswith("1 of ")
        assert said.endswith("figures differ; the largest difference of two numbers is 25.")


@pytest.mark.django_db
class TestCommands:
    def test_taking_and_asking_for_one_that_is_not_there(self, tmp_path):
        with pytest.raises(CommandError, match="There is none yet"):
            run("export_snapshot", 1)
        with pytest.raises(CommandError, match="nothing to keep yet"):
            run("take_snapshot")
        make_arena()
        said = run("take_snapshot", "--note", "by hand")
        assert re.fullmatch(r"Snapshot 1 holds \d+ boards: /snapshots/1/\n", said)
        assert Snapshot.objects.get().note == "by hand"
        with pytest.raises(CommandError, match="The newest is 1"):
            run("export_snapshot", 2)
        with pytest.raises(CommandError, match="at most 200"):
            run("take_snapshot", "--note", "x" * 201)
        with pytest.raises(CommandError, match="No such file"):
            run("export_snapshot", 1, "--output", tmp_path / "no" / "where.zip")
