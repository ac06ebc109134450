"""A model and LoRA adapters on it, answered by one vLLM that is loaded once, from the form to the matches."""

import pytest
from django.utils import timezone

from arena.models import Answer, HostWorker, Submission
from arena.services.checking import check_received
from arena.services.submissions import Entry, accept_host_model
from judging.services.serving import take_turn
from tests import tiny_adapters
from tests.factories import make_benchmark
from tests.vllm.conftest import work_until

pytestmark = [pytest.mark.vllm, pytest.mark.django_db]


@pytest.fixture
def adapters(python, tmp_path):
    return [
        tiny_adapters.make_adapter(python, tmp_path / f"lora-{n}", seed=n, rank=rank)
        for n, rank in ((1, 4), (2, 16))
    ]


@pytest.fixture
def submit(olga, models):
    benchmark = make_benchmark(3)

    def send(name: str, **options) -> Submission:
        entry = Entry(olga, benchmark, name, sampling={"max_tokens": 8, "temperature": 0})
        options = {"source": str(models[0]), "max_model_len": 2048} | options
        return accept_host_model(entry, now=timezone.now(), **options)

    return send


def answers_of(submission: Submission) -> list[str]:
    rows = Answer.objects.filter(competitor=submission.competitor).order_by("prompt")
    return [row.turns[0] for row in rows]


@pytest.fixture
def answered(host):
    """Works until nothing waits any more; returns how many servers were started for it."""
    seen: set[str] = set()

    def work() -> int:
        before = len(seen)

        def turn() -> bool:
            take_turn(host)
            seen.update(path.name for path in host.folder.glob("*.log"))
            return not Submission.objects.filter(state="answering").exists()

        check_received()
        work_until(turn)
        return len(seen) - before

    return work


def test_a_base_and_its_adapters_share_one_server(submit, adapters, answered):
    plain = submit("plain")
    tuned = [submit(path.name, adapter=str(path)) for path in adapters]
    assert answered() == 1, "one load for all three"
    facts = [Submission.objects.get(pk=each.pk).host_model.facts["adapter"] for each in tuned]
    assert [each["rank"] for each in facts] == [4, 16]
    said = [answers_of(each) for each in (plain, *tuned)]
    assert [len(each) for each in said] == [3, 3, 3]
    assert len({tuple(each) for each in said}) == 3, "an adapter answers unlike its base"
    assert HostWorker.objects.get().state == "ready"


def test_an_adapter_of_other_widths_never_reaches_it(submit, python, tmp_path):
    """The CPU build would take it."""
    narrow = tiny_adapters.make_adapter(python, tmp_path / "narrow", values=32)
    submission = submit("narrow", adapter=str(narrow))
    check_received()
    submission.refresh_from_db()
    assert (submission.state, submission.cause) == ("failed", "other_base")
    assert "v_proj.lora_B.weight gives 32 numbers, where the base has 64" in submission.message


def test_adapters_come_later_and_one_does_not_fit(submit, adapters, answered, python, tmp_path):
    """A server without adapters is started anew for the first. One that changes a part that the model does
    not have fails alone."""
    plain = submit("plain")
    assert answered() == 1
    bad = tiny_adapters.make_adapter(python, tmp_path / "foreign", module="query_key_value")
    wrong, good = submit("foreign", adapter=str(bad)), submit("fits", adapter=str(adapters[0]))
    assert answered() == 1
    wrong.refresh_from_db()
    assert (wrong.state, wrong.cause) == ("failed", "bad_adapter")
    assert "does not take the adapter" in wrong.message
    assert [len(answers_of(each)) for each in (plain, good, wrong)] == [3, 3, 0]
