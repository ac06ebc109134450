"""Submitted repositories, from received to queued or refused."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from arena.models import AllowedCode, HostModel, HostWorker, Submission
from arena.services import checking
from arena.services.checking import check_received
from arena.services.submissions import Entry, accept_host_model, cancel_submission, retry_submission
from arena.tasks import check_received as task
from tests.arena.repositories.hub import COMMIT, running_hub
from tests.arena.repositories.test_repositories import MODEL
from tests.factories import make_benchmark

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(tmp_path, monkeypatch, settings):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with running_hub({"owner/model": MODEL, "owner/code": MODEL | {"x.py": b""}}) as hub:
        settings.HF_ENDPOINT = hub.endpoint
        yield hub


def submit(user, source, **fields):
    entry = Entry(user=user, benchmark=make_benchmark(2), name=f"{source} {Submission.objects.count()}")
    options = {"revision": "", "dtype": "auto", "max_model_len": None} | fields
    return accept_host_model(entry, source=str(source), now=timezone.now(), **options)


def page(client, submission) -> str:
    return client.get(reverse("submission", args=[submission.pk])).content.decode()


@pytest.fixture
def staff(client, olga):
    client.force_login(olga)
    return client


def test_a_repository_is_pinned_to_the_commit_that_was_looked_at(hub, staff, olga):
    submission = submit(olga, "owner/model", revision="main")
    assert submission.state == Submission.State.RECEIVED
    assert "Looking at what its repository holds" in page(staff, submission)
    task()
    submission.refresh_from_db()
    assert submission.state == Submission.State.ANSWERING
    assert (submission.host_model.revision, submission.host_model.facts["commit"]) == (COMMIT, COMMIT)
    assert HostModel.objects.count() == 2  # the branch as it was asked for, and the commit
    assert "LlamaForCausalLM" in page(staff, submission)
    assert "licence apache-2.0" in page(staff, submission)


def test_what_cannot_be_served_is_refused_at_once(hub, staff, olga):
    submission = submit(olga, "owner/code")
    check_received()
    submission.refresh_from_db()
    assert (submission.state, submission.cause) == (Submission.State.FAILED, "remote_code")
    shown = page(staff, submission)
    assert "holds code (x.py)" in shown
    assert '<li class="failed">\n    <p class="step"><b>Checked</b>' in shown

    hub.repositories["owner/code"].pop("x.py")  # its author took it out
    assert retry_submission(submission, now=timezone.now())
    check_received()
    submission.refresh_from_db()
    assert submission.state == Submission.State.ANSWERING


class TestArchitectures:
    @pytest.fixture(autouse=True)
    def its_name(self, hub):
        config = json.loads(MODEL["config.json"]) | {"architectures": ["CatForCausalLM"]}
        hub.repositories["owner/model"] = MODEL | {"config.json": json.dumps(config).encode()}

    def host(self, *known, **fields):
        version = f"vLLM 0.{HostWorker.objects.count() + 30}"
        row = {"vllm_version": version, "architectures": known, "since": timezone.now()} | fields
        HostWorker.objects.create(name=version, **{"seen_at": timezone.now()} | row)

    def checked(self, olga):
        submission = submit(olga, "owner/model")
        check_received()
        submission.refresh_from_db()
        return submission

    def test_one_that_no_host_knows_is_refused_at_once(self, olga):
        self.host("LlamaForCausalLM")
        self.host("DogForCausalLM")
        submission = self.checked(olga)
        assert (submission.state, submission.cause) == (Submission.State.FAILED, "unsupported_model")
        assert (
            "CatForCausalLM, which the GPU hosts here do not know (vLLM 0.30, vLLM 0.31)"
            in submission.message
        )

    @pytest.mark.parametrize("known", [(), ("CatForCausalLM",)])
    def test_it_is_left_to_a_host_that_may_know_it(self, olga, known):
        self.host("LlamaForCausalLM")
        self.host(*known)
        assert self.checked(olga).state == Submission.State.ANSWERING

    def test_hosts_that_are_gone_and_workers_of_endpoints_know_nothing_of_it(self, olga):
        self.host("LlamaForCausalLM", seen_at=timezone.now() - timedelta(hours=1))
        self.host(serves=False)
        assert self.checked(olga).state == Submission.State.ANSWERING

    def test_code_that_is_allowed_brings_its_own(self, olga):
        self.host("LlamaForCausalLM")
        AllowedCode.objects.create(source="owner/model", revision=COMMIT)
        assert self.checked(olga).state == Submission.State.ANSWERING


def test_a_hub_that_is_down_is_asked_again(hub, staff, olga):
    hub.down = True
    submission = submit(olga, "owner/model")
    check_received()
    submission.refresh_from_db()
    assert (submission.state, submission.attempts) == (Submission.State.RECEIVED, 1)
    assert "out of reach" in page(staff, submission)
    assert check_received() == 0  # not before its time
    hub.down = False
    Submission.objects.update(next_attempt_at=timezone.now())
    check_received()
    submission.refresh_from_db()
    assert (submission.state, submission.cause) == (Submission.State.ANSWERING, "")


def test_a_hub_that_stays_away_is_a_failure_in_the_end(hub, olga):
    hub.down = True
    submission = submit(olga, "owner/model")
    Submission.objects.update(attempts=checking.ATTEMPTS - 1)
    check_received()
    submission.refresh_from_db()
    assert (submission.state, submission.cause) == (Submission.State.FAILED, "hub_out_of_reach")


def test_it_can_be_stopped_before_it_is_looked_at(hub, olga):
    submission = submit(olga, "owner/model")
    assert cancel_submission(submission)
    assert check_received() == 0


def test_folders(olga, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    for name, data in MODEL.items():
        (here / name).write_bytes(data)
    good, elsewhere, long = (
        submit(olga, here),
        submit(olga, "/on/the/gpu/host"),
        submit(olga, here, max_model_len=4096),  # its config says 2048
    )
    check_received()
    for submission in (good, elsewhere, long):
        submission.refresh_from_db()
    assert [good.state, elsewhere.state] == [Submission.State.ANSWERING] * 2
    assert (good.host_model.facts["weights"], elsewhere.host_model.facts) == (1000, {})
    assert (long.state, long.cause) == (Submission.State.FAILED, "context_too_long")
    assert "2,048" in long.message
    assert json.loads((here / "config.json").read_text())["max_position_embeddings"] == 2048
