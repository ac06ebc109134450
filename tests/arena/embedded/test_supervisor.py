"""The supervisor with small real programs."""

import io
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest

from arena.embedded.supervisor import Child, ChildDied, Supervisor
from tests.arena.embedded.conftest import ROOT, wait_for

# Says its name, and again when it is asked to stop.
POLITE = """
import signal, sys, time
def stop(*_): print(sys.argv[1], "stops", flush=True); sys.exit()
signal.signal(signal.SIGTERM, stop)
print(sys.argv[1], "runs", flush=True)
time.sleep(60)
"""
# Ignores the request, and so does its own child.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("pid", other.pid, flush=True)
time.sleep(60)
"""


def child(name, code=POLITE, **options):
    return Child(name, [sys.executable, "-c", code, name], "Look after it.", **options)


def supervise(children, *, until, grace=10.0, then=lambda signals: None):
    """Run the children until a text has come out, then ask to stop; what was printed."""
    signals, output = SimpleNamespace(received=0, interrupting=True), io.StringIO()
    supervisor = Supervisor(signals, ["beat", "web", "worker"], "/", grace=grace, output=output)

    def stop():
        wait_for(lambda: all(text in output.getvalue() for text in until))
        signals.received = 1
        then(signals)

    asker = threading.Thread(target=stop)
    asker.start()
    try:
        supervisor.run(children, announce=lambda: None)
    finally:
        asker.join()
    return output.getvalue()


def test_children_start_in_their_order_and_stop_in_the_other():
    started = []

    def is_ready():
        started.append("worker")
        return True

    names = ["worker", "web", "beat"]
    first = child("worker", is_ready=is_ready)
    said = supervise([first, child("web"), child("beat")], until=[f"{name} runs" for name in names])
    assert started == ["worker"]
    stops = [line for line in said.splitlines() if "stops" in line]
    assert stops == ["beat   | beat stops", "web    | web stops", "worker | worker stops"]


def test_what_does_not_stop_is_killed_with_its_children():
    began = time.monotonic()
    said = supervise([child("worker", STUBBORN)], until=["pid"], grace=0.5)
    assert 0.5 < time.monotonic() - began < 30
    grandchild = int(said.split("pid")[1].split()[0])
    wait_for(lambda: not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == "zombie")


def test_a_second_signal_ends_the_patience():
    def again(signals):
        time.sleep(0.2)
        signals.received = 2

    began = time.monotonic()
    supervise([child("worker", STUBBORN)], until=["pid"], grace=30, then=again)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(3)", "exit status 3"), ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL")],
)
def test_a_dead_child_is_a_sentence_and_the_others_stop(code, status):
    signals, output = SimpleNamespace(received=0, interrupting=True), io.StringIO()
    supervisor = Supervisor(signals, ["web", "beat"], "/", output=output)
    with pytest.raises(ChildDied, match=rf"The beat process ended \({status}\): .* Look after it\."):
        supervisor.run([child("web"), child("beat", code)], announce=lambda: None)
    there = [process for process in psutil.Process().children() if process.status() != psutil.STATUS_ZOMBIE]
    assert not [process for process in there if "beat" in process.cmdline()]


def test_output_is_prefixed_muted_and_plain_without_a_terminal():
    code = "print('noise'); print('words', flush=True); import time; time.sleep(60)"
    said = supervise([child("web", code, mute=("noise",))], until=["words"])
    assert said == "web    | words\n"


def test_both_signals_are_heard_though_a_script_had_ignored_them():
    """First they interrupt whatever is under way; once the children run they are counted."""
    code = """
import os, signal
from arena.embedded.supervisor import Signals
signals = Signals()
for number in (signal.SIGINT, signal.SIGTERM):
    try:
        os.kill(os.getpid(), number)
        signal.pause()
    except KeyboardInterrupt:
        print("interrupted")
signals.interrupting = False
os.kill(os.getpid(), signal.SIGTERM)
print(signals.received)
"""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.stdout == "interrupted\ninterrupted\n3\n"


def test_children_have_the_default_signals():
    """A script starts its background programs with SIGINT ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = "import signal, time; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, flush=True); "
        said = supervise([child("web", code + "time.sleep(60)")], until=["|"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert said == "web    | False\n"
