"""Taking in uploads: what is stored, what is refused, and two people at the same moment."""

import io
import json
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from arena.models import Answer, Benchmark, Competitor, Submission
from arena.services.benchmarks import create_benchmark
from arena.services.submissions import Entry, UploadRefused, accept_recorded
from tests.factories import make_benchmark, make_competitor

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def upload(*rows, name="answers.jsonl"):
    file = io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())
    file.name = name
    return file


def answers(*keys):
    return upload(*({"id": key, "answer": f"to {key}"} for key in keys))


def accept(user, benchmark, file, name="Hornbeam"):
    entry = Entry(user=user, benchmark=benchmark, name=name, organisation="Hedgerow")
    return accept_recorded(entry, file=file, now=NOW)


class TestAnswers:
    def test_what_is_stored(self, alice):
        benchmark = make_benchmark(prompts=2)
        entry = accept(alice, benchmark, answers("q1", "q2"))
        assert (entry.competitor.name, entry.competitor.owner, entry.received_at) == ("Hornbeam", alice, NOW)
        assert [answer.turns for answer in entry.answers.order_by("prompt")] == [["to q1"], ["to q2"]]

    def test_an_empty_answer_is_kept(self, alice):
        entry = accept(alice, make_benchmark(prompts=1), upload({"id": "q1", "answer": ""}))
        assert entry.answers.get().is_empty

    @pytest.mark.parametrize(
        ("row", "reason"),
        [({"id": "q9", "answer": "x"}, "q9"), ({"id": "q1"}, "answer"), ({"answer": "x"}, "id")],
    )
    def test_one_bad_line_stores_nothing(self, alice, row, reason):
        benchmark = make_benchmark(prompts=2)
        with pytest.raises(UploadRefused) as refusal:
            accept(alice, benchmark, upload({"id": "q2", "answer": "fine"}, row))
        [problem] = refusal.value.problems
        assert problem.line == 2
        assert reason in problem.reason
        assert not Competitor.objects.exists()
        assert not Answer.objects.exists()

    def test_a_closed_benchmark_takes_nothing(self, alice):
        with pytest.raises(UploadRefused, match="closed"):
            accept(alice, make_benchmark(is_open=False), answers("q1"))

    def test_another_persons_name_is_taken_whatever_its_case(self, alice, bob):
        benchmark = make_benchmark()
        accept(alice, benchmark, answers("q1"))
        with pytest.raises(UploadRefused, match="exists already"):
            accept(bob, benchmark, answers("q1"), name="HORNBEAM")

    def test_ones_own_model_may_enter_another_benchmark_but_not_the_same_again(self, alice):
        first, second = make_benchmark(), make_benchmark()
        accept(alice, first, answers("q1"))
        accept(alice, second, answers("q1"))
        assert Competitor.objects.count() == 1
        with pytest.raises(UploadRefused, match="already"):
            accept(alice, first, answers("q2"))

    def test_names_without_latin_letters_get_an_address(self, alice):
        benchmark = make_benchmark()
        slugs = [
            accept(alice, benchmark, answers("q1"), name=name).competitor.slug for name in ("模型", "🤖")
        ]
        assert slugs == ["model", "model-2"]

    def test_a_name_whose_address_is_taken_gets_the_next_one(self, alice):
        make_competitor("Other")
        Competitor.objects.update(slug="horn-beam")
        entry = accept(alice, make_benchmark(), answers("q1"), name="Horn-Beam!")
        assert entry.competitor.slug == "horn-beam-2"

    @pytest.mark.django_db(transaction=True)
    def test_two_people_choose_one_name_at_once(self, alice, bob):
        benchmark = make_benchmark()
        ready, outcomes = threading.Barrier(2), []

        def enter(user):
            try:
                ready.wait()
                accept(user, benchmark, answers("q1"))
                outcomes.append("stored")
            except UploadRefused:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=enter, args=(user,)) for user in (alice, bob)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["refused", "stored"]
        assert Submission.objects.count() == 1


class TestBenchmarks:
    def create(self, *rows, name="Fruit"):
        return create_benchmark(
            name=name, description="", file=upload(*rows, name="prompts.jsonl"), is_open=True, now=NOW
        )

    def test_what_is_stored(self):
        benchmark = self.create(
            {"id": "a", "prompt": "Peel it.", "category": "plain"},
            {"id": "b", "turns": ["One", "Two"], "tags": ["x", "y"], "reference": ["1", "2"]},
        )
        one, two = benchmark.prompts.order_by("key")
        assert (one.turns, one.tags, one.reference) == (["Peel it."], ["plain"], None)
        assert (two.turns, two.tags, two.reference) == (["One", "Two"], ["x", "y"], ["1", "2"])

    def test_a_bad_line_stores_nothing(self):
        with pytest.raises(UploadRefused):
            self.create({"id": "a", "prompt": "fine"}, {"id": "a", "prompt": "again"})
        assert not Benchmark.objects.exists()

    @pytest.mark.parametrize("name", ["Fruit", "fruit!", "new", "…"])
    def test_a_name_without_a_free_address_is_refused(self, name):
        self.create({"id": "a", "prompt": "fine"})
        with pytest.raises(UploadRefused):
            self.create({"id": "a", "prompt": "fine"}, name=name)

    def test_a_prompt_with_answers_never_changes(self, alice):
        benchmark = self.create({"id": "a", "prompt": "fine"})
        prompt = benchmark.prompts.get()
        prompt.turns = ["better"]
        prompt.save()
        accept(alice, benchmark, answers("a"))
        prompt.turns = ["worse"]
        with pytest.raises(ValueError, match="can no longer change"):
            prompt.save()
        prompt.refresh_from_db()
        prompt.tags = ["new"]
        prompt.save()
