"""A server's life with a stand-in for vLLM: real processes, without the model."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from arena.engines import ENGINES, Message, Request
from arena.engines.vllm import Launch, Server, ServerFailed, stop_orphans
from arena.engines.vllm.processes import birth, end_session, members
from arena.engines.vllm.records import make_record
from tests.arena.engines.stand_in_vllm import ROOT, make_python

# Starts a server, waits until it is ready, says its session, and sleeps.
OWNER = """
import sys, time
from pathlib import Path
from arena.engines.vllm import Launch, Server
server = Server(Launch(sys.argv[3]), python=sys.argv[1], folder=Path(sys.argv[2]), grace=1)
server.start()
while not server.is_ready():
    time.sleep(0.02)
print(server._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return make_python(tmp_path_factory.mktemp("stand-in") / "env")


@pytest.fixture
def folder(tmp_path):
    """The servers' folder; what is left of them at the end of a test is ended."""
    yield tmp_path / "servers"
    for session in running(tmp_path / "servers"):
        end_session(session, 0)


@pytest.fixture
def new_server(python, folder):
    def make(model="answers", **options):
        server = Server(Launch(model), python=python, folder=folder, **({"grace": 5} | options))
        made.append(server)
        return server

    made: list[Server] = []
    yield make
    for server in made:
        server.stop()


def running(folder):
    return [int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()]


def wait_for(condition, limit=30):
    give_up = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)
    return found


def start(server):
    server.start()
    wait_for(server.is_ready)
    (session,) = running(server.folder)
    return session


def fail(server):
    """What a start ends with; nothing of it may be left."""
    with pytest.raises(ServerFailed) as caught:
        start(server)
    assert running(server.folder) == []
    assert not [p for p in psutil.process_iter() if str(server.folder) == _folder_of(p)]
    return caught.value


def _folder_of(process):
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def engine(server, model=None, **options):
    settings = {"base_url": server.base_url, "model": model or server.model_name, "api_key": server.api_key}
    return ENGINES["openai"](**settings | {"attempts": 1, "deadline": 20.0} | options)


def ask(engine, count=1):
    requests = [Request(f"k{n}", (Message("user", f"question {n}"),)) for n in range(count)]
    return list(engine.stream(requests))


def test_it_starts_answers_and_leaves_nothing_behind(new_server):
    server = new_server()
    session = start(server)
    assert [completion.text for completion in ask(engine(server))] == ["question 0"]
    # The keeper, the API server and its engine.
    assert len(members(session)) == 3
    server.check()
    port = server.port
    server.stop()
    assert members(session) == []
    assert not list(server.folder.glob("*.json"))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    server.stop()  # again does nothing


def test_a_server_can_be_started_again_after_its_end(new_server):
    server = new_server()
    first = start(server)
    server.stop()
    assert start(server) != first


def test_only_those_with_the_key_are_answered(new_server):
    server = new_server()
    start(server)
    (completion,) = ask(engine(server, api_key="guess"))
    assert completion.error.code == "unauthorized"


def test_the_child_sees_what_it_needs_and_no_secret(new_server, monkeypatch):
    secrets = [
        "SECRET_KEY",
        "DATABASE_URL",
        "BROKER_URL",
        "JUDGE_KEY",
        "VLLM_OTHER_KEY",
        "ARENA_HOME",
        "PYTHONHOME",
    ]
    for name in secrets[:-1]:
        monkeypatch.setenv(name, "canary-51c2")
    for name in (
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "CUDA_VISIBLE_DEVICES",
        "VLLM_CPU_KVCACHE_SPACE",
        "https_proxy",
    ):
        monkeypatch.setenv(name, "kept")
    server = new_server("answers", grace=1)
    start(server)
    text = (server.folder / "seen").read_text()
    assert "canary-51c2" not in text
    seen = json.loads(text)
    assert not set(secrets) & set(seen["environ"])
    assert [name for name, value in seen["environ"].items() if value == "kept"] == sorted(
        ["HF_TOKEN", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "VLLM_CPU_KVCACHE_SPACE", "https_proxy"],
        key=list(seen["environ"]).index,
    )
    assert seen["environ"]["PATH"] == os.environ["PATH"]
    assert seen["environ"]["VLLM_API_KEY"] == server.api_key
    assert (seen["environ"]["VLLM_NO_USAGE_STATS"], seen["environ"]["DO_NOT_TRACK"]) == ("1", "1")
    assert server.api_key not in " ".join(seen["argv"])
    assert {"--model=answers", "--host=127.0.0.1", "--load-format=safetensors"} < set(seen["argv"])


def test_two_servers_have_keys_and_ports_of_their_own(new_server):
    first, second = new_server(), new_server()
    first.start()
    second.start()
    for server in (first, second):
        wait_for(server.is_ready)
    assert first.port != second.port
    assert first.api_key != second.api_key
    first.stop()
    second.check()


def test_a_death_in_mid_batch_is_an_error_for_each_request_and_for_the_server(new_server):
    server = new_server()
    session = start(server)
    completions = ask(engine(server, model="dies"), 3)
    assert [completion.error.code for completion in completions] == ["connection_lost"] * 3
    with pytest.raises(ServerFailed) as caught:
        wait_for(lambda: server.check())
    failure = caught.value
    assert (failure.code, failure.final) == ("died", False)
    assert failure.message == (
        "The server of answers ended by itself (exit status 1). "
        "Its last error: RuntimeError: cannot reach https://[removed]@host with [removed] and [removed]"
    )
    assert members(session) == []


def test_the_engine_does_not_outlive_a_killed_api_server(new_server):
    server = new_server(grace=0.2)
    session = start(server)
    os.kill(
        next(p.pid for p in psutil.Process(session).children() if "vllm" in " ".join(p.cmdline())),
        signal.SIGKILL,
    )
    with pytest.raises(ServerFailed, match=r"exit status 137\). It was killed"):
        wait_for(lambda: server.check())
    assert members(session) == []


def test_what_ignores_the_request_to_end_is_killed(new_server):
    server = new_server("stubborn", grace=0.2)
    session = start(server)
    server.stop()
    assert members(session) == []


def test_the_log_is_shown_without_secrets_and_terminal_codes(new_server):
    server = new_server("dies-early")
    assert server.log_tail() == []
    failure = fail(server)
    assert failure.message.endswith("with [removed] and [removed]")
    assert server.log_tail(2) == ["x", "x"]
    tail = server.log_tail(2000)
    assert tail[0] == "non-default args: {'port': 1}"
    assert not any(server.api_key in line or "\x1b" in line or "hf_abc" in line for line in tail)
    assert server.log.stat().st_mode & 0o777 == 0o600


def test_a_load_that_takes_too_long_is_stopped(new_server):
    failure = fail(new_server("never-ready", startup_seconds=1.5))
    assert (failure.code, failure.final) == ("load_timeout", False)
    assert "not ready after 1.5 s" in failure.message
    assert failure.message.endswith("Its last line: loading")


def test_a_taken_port_is_exchanged_by_itself(new_server):
    server = new_server("taken-once")
    start(server)
    assert int((server.folder / "taken").read_text()) != server.port
    assert [completion.error for completion in ask(engine(server, model="answers"))] == [None]


def test_ports_that_are_always_taken_end_the_patience(new_server):
    server = new_server("taken")
    failure = fail(server)
    assert (failure.code, failure.final) == ("port_taken", False)
    assert len(list(server.folder.glob("*.log"))) == 4  # PORT_TRIES


def test_somebody_else_at_the_port_is_not_taken_for_the_server(new_server):
    server = new_server("stranger", startup_seconds=3)
    try:
        failure = fail(server)
    finally:
        os.kill(int((server.folder / "stranger").read_text()), signal.SIGKILL)
    assert failure.code == "load_timeout"


@pytest.mark.parametrize(
    ("interpreter", "code"),
    [
        ("/nowhere/bin/python", "missing_interpreter"),
        ("text", "missing_interpreter"),
        (sys.executable, "no_vllm"),
    ],
)
def test_an_interpreter_that_will_not_do(folder, tmp_path, interpreter, code):
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    if interpreter == "text":
        interpreter = str(tmp_path / "text")
    failure = fail(Server(Launch("answers"), python=interpreter, folder=folder))
    assert (failure.code, failure.final) == (code, True)
    assert "VLLM_PYTHON" in failure.message


def test_an_interpreter_may_be_named_from_the_folder_of_the_site(python, folder):
    server = Server(Launch("answers"), python=os.path.relpath(python), folder=folder)
    assert server.version == ""  # the stand-in has no version, and the question was put from another folder
    start(server)
    server.stop()


def test_a_server_lives_on_when_the_thread_that_started_it_has_ended(new_server):
    """The kernel's death signal would come with the end of the thread."""
    server = new_server()
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    wait_for(server.is_ready)
    time.sleep(0.3)  # three looks of the keeper
    server.check()


@pytest.fixture
def owned(python, folder):
    """Another process with a server: (the process, the server's session)."""

    def make(model="answers"):
        command = [sys.executable, "-c", OWNER, python, str(folder), model]
        owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        owners.append(owner)
        return owner, int(owner.stdout.readline())

    owners: list[subprocess.Popen] = []
    yield make
    for owner in owners:
        owner.kill()
        owner.wait()


def kill(process):
    process.kill()
    process.wait()


def test_a_killed_owner_takes_its_server_along(owned, folder):
    owner, session = owned("stubborn")
    kill(owner)
    wait_for(lambda: not members(session))
    assert stop_orphans(folder) == 0  # the record alone was left
    assert running(folder) == []


def test_an_orphan_whose_keeper_was_killed_too_is_ended(owned, folder):
    owner, session = owned("stubborn")
    os.kill(session, signal.SIGSTOP)  # so that it does not notice
    kill(owner)
    os.kill(session, signal.SIGKILL)
    wait_for(lambda: len(members(session)) == 2)  # API server and engine, both deaf to SIGTERM
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arena.engines.vllm.records.GRACE", 0.2)
        assert stop_orphans(folder) == 1
    assert members(session) == []
    assert running(folder) == []


def test_the_server_of_a_living_owner_is_left_alone(owned, folder, new_server):
    theirs = owned()[1]
    ours = start_second(new_server, theirs)
    assert stop_orphans(folder) == 0
    assert len(members(theirs)) == len(members(ours)) == 3
    assert sorted(running(folder)) == sorted([theirs, ours])


def start_second(new_server, first):
    server = new_server()
    server.start()
    wait_for(server.is_ready)
    return next(session for session in running(server.folder) if session != first)


def test_a_number_that_another_process_got_is_not_killed(folder):
    """The owner is dead, and the server's number belongs to somebody else by now."""
    folder.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    record = make_record(other.pid, 1, "m")
    wrong = {str(other.pid): birth(other.pid) + "1"}
    replace(record, processes=wrong, owner_birth=record.owner_birth + "1").write(folder)
    assert stop_orphans(folder) == 0
    assert other.poll() is None
    assert running(folder) == []
    kill(other)


def test_an_owner_whose_number_another_process_got_is_dead(owned, folder):
    session = owned()[1]
    path = folder / f"{session}.json"
    path.write_text(path.read_text().replace('"owner_birth": "', '"owner_birth": "other'))
    assert stop_orphans(folder) == 1
    assert members(session) == []


def test_a_broken_record_is_removed(folder):
    folder.mkdir()
    for number, text in enumerate(
        ["", "[]", '{"pid": 1}', "\ud83d".encode("utf-8", "surrogatepass").decode("latin1")]
    ):
        (folder / f"{number}.json").write_text(text)
    assert stop_orphans(folder) == 0
    assert list(folder.iterdir()) == []
    assert stop_orphans(folder / "absent") == 0


def test_the_gpu_is_seen_to_be_free(new_server, tmp_path, monkeypatch):
    """A stand-in for NVIDIA's tool: it lists the server's processes twice more after their end."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(
        f"#!/bin/sh\necho >>{tmp_path}/calls\n[ $(wc -l <{tmp_path}/calls) -gt 2 ] || cat {tmp_path}/pids\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    server = new_server()
    session = start(server)
    (tmp_path / "pids").write_text("\n".join(str(pid) for pid in members(session)))
    server.stop()
    assert (tmp_path / "calls").read_text().count("\n") == 3
