"""One vLLM server: started, watched and stopped."""

import hashlib
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from arena.engines.vllm import keeper, records
from arena.engines.vllm.environment import TOKENS, server_environment
from arena.engines.vllm.failures import BANNER, PREFIX, ServerFailed, read_death, read_failure, shorten, tidy
from arena.engines.vllm.gpus import ask_tool
from arena.engines.vllm.launch import Launch, arguments
from arena.engines.vllm.processes import end_session, listens, members
from arena.engines.vllm.version import GUARD, ask_python, find_python, vllm_version

HOST = "127.0.0.1"
PORT_TRIES = 4
HEALTH_SECONDS = 2.0
GPU_SECONDS = 30.0  # a driver gives the memory of a dead process back with a delay
LOG_BYTES = 256 * 1024  # of a log's end that are read
LOGS_KEPT = 20
HAS_VLLM = "import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('vllm') else 3)"
FIXED = [
    f"--host={HOST}",
    "--middleware=arena_guard.OnlyKeyed",
    "--disable-uvicorn-access-log",
    "--uvicorn-log-level=warning",
]


class Server:
    """A server of one model, as a child of this process; it ends with it at the latest.

    `python` is the interpreter that has vLLM; `folder` holds the record and the logs of all servers of this
    host. `startup_seconds` bounds the time until it is ready, `grace` the one between SIGTERM and SIGKILL.
    Once it is ready it answers at `base_url`, on loopback, to those who send `api_key` and ask for
    `model_name`.
    """

    def __init__(
        self,
        launch: Launch,
        *,
        python: str,
        folder: Path,
        startup_seconds: float = 600.0,
        grace: float = records.GRACE,
    ) -> None:
        self.launch = launch
        self.python = python
        self.folder = folder.absolute()
        self.startup_seconds = startup_seconds
        self.grace = grace
        self.api_key = secrets.token_urlsafe(32)
        self.model_name = launch.name
        self.port = 0
        self.log: Path | None = None
        self._pids: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    @cached_property
    def version(self) -> str:
        """Such as "vLLM 0.32.0"; empty when the interpreter does not say."""
        return vllm_version(self.python)

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    def start(self) -> None:
        """Begin to load the model.

        Raises ServerFailed: `missing_interpreter`, `no_vllm`, `no_such_model`, `not_readable`,
        `unsupported_model`, `bad_option`.
        """
        if self._process:
            raise RuntimeError("This server was started before.")
        options = arguments(self.launch) + FIXED
        self._command = [self._checked_python(), "-m", "vllm.entrypoints.openai.api_server", *options]
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.launch.chat_template:
            self._command.append(f"--chat-template={self._write_template()}")
        self._give_up = time.monotonic() + self.startup_seconds
        self._tries = 0
        self._ready = False
        self._spawn()

    def is_ready(self) -> bool:
        """One quick look. Raises ServerFailed, with the cause, when it will not be ready any more."""
        if self._ready:
            self.check()
            return True
        process = self._running()
        status = process.poll()
        if status is not None:
            failure = read_failure(self._read_log(), self.launch.model, status)
            self.stop()
            if failure.code != "port_taken" or self._tries == PORT_TRIES:
                raise failure
            self._spawn()
        elif self._answers():
            self._record()  # now with all its processes
            self._ready = True
        elif time.monotonic() > self._give_up:
            self._raise_overdue()
        return self._ready

    def check(self) -> None:
        """Raises ServerFailed (`died`) when the server has ended by itself."""
        process = self._running()
        status = process.poll()
        if status is not None:
            failure = read_death(self._read_log(), self.launch.model, status)
            self.stop()
            raise failure

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines of its log, as people read them: without secrets, marks of processes, and banner."""
        said = (PREFIX.sub("", line.rstrip(), count=1) for line in self._read_log().splitlines())
        return [shorten(line) for line in said if line.strip() and not BANNER.search(line)][-lines:]

    def stop(self) -> None:
        """End it, wait until nothing of it is left, its GPU memory included. It may be called at any time.

        Raises ServerFailed (`not_stopped`) when the kernel does not end it.
        """
        process = self._process
        if process is None:
            return
        seen = {*self._pids, *members(process.pid)}
        if not end_session(process.pid, self.grace + 1):  # its keeper kills after the grace itself
            message = (
                f"The server of {self.launch.model} does not end even by SIGKILL; look at the host's drivers."
            )
            raise ServerFailed("not_stopped", message, final=False)
        process.wait()
        _wait_for_gpu(seen)
        (self.folder / f"{process.pid}.json").unlink(missing_ok=True)
        self._process = None
        self._ready = False

    def _write_template(self) -> Path:
        """One file a text, which a later server finds again."""
        text = self.launch.chat_template.encode()
        path = self.folder / f"template-{hashlib.sha256(text).hexdigest()[:16]}.jinja"
        path.write_bytes(text)
        return path

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError("This server does not run; call start() first.")
        return self._process

    def _checked_python(self) -> str:
        """The path of the interpreter, which has vLLM."""
        python = find_python(self.python)
        if python is None:
            message = (
                f"There is no interpreter at {self.python}; set VLLM_PYTHON to the Python that has vLLM."
            )
            raise ServerFailed("missing_interpreter", message, final=True)
        try:
            done = ask_python(python, HAS_VLLM)
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{python} does not run as a Python interpreter; check VLLM_PYTHON."
            raise ServerFailed("missing_interpreter", message, final=True) from error
        if done.returncode:
            message = f"{python} has no vLLM; install it there (pip install vllm), or correct VLLM_PYTHON."
            raise ServerFailed("no_vllm", message, final=True)
        return python

    def _spawn(self) -> None:
        self._tries += 1
        self.port = _free_port()
        self.log = self.folder / f"{time.time_ns()}-{secrets.token_hex(3)}.log"
        _prune_logs(self.folder)
        keep = [
            sys.executable,
            "-I",
            keeper.__file__,
            f"--owner={os.getpid()}",
            f"--grace={self.grace}",
            "--",
        ]
        with open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - checked options
                [*keep, *self._command, f"--port={self.port}"],
                env=server_environment(os.environ, self.api_key, str(GUARD)) | self._switches(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._record()

    def _switches(self) -> dict[str, str]:
        # Whoever has the key may add adapters then, and nobody but this process has it.
        return {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"} if self.launch.adapter_rank else {}

    def _record(self) -> None:
        record = records.make_record(self._running().pid, self.port, self.launch.model)
        record.write(self.folder)
        self._pids = [int(pid) for pid in record.processes]

    def _answers(self) -> bool:
        """Whether the server is healthy, and not somebody else who took the port."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", "/health")
            healthy = connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            healthy = False
        finally:
            connection.close()
        return healthy and listens(members(self._running().pid), self.port)

    def _raise_overdue(self) -> None:
        words = self.log_tail(1)
        said = f" Its last line: {words[0]}" if words else ""
        self.stop()
        message = (
            f"{self.launch.model} was not ready after {self.startup_seconds:g} s and was stopped; "
            f"give it more time or choose a smaller model.{said}"
        )
        raise ServerFailed("load_timeout", message, final=False)

    def _read_log(self) -> str:
        if self.log is None:
            return ""
        with suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LOG_BYTES))
            hidden = [self.api_key, *(os.environ.get(name, "") for name in TOKENS)]
            return tidy(file.read().decode(errors="replace"), hidden)
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _prune_logs(folder: Path) -> None:
    for path in sorted(folder.glob("*.log"))[:-LOGS_KEPT]:
        path.unlink(missing_ok=True)


def _wait_for_gpu(pids: set[int]) -> None:
    """Until the driver counts none of these processes any more; nothing without NVIDIA's tool."""
    give_up = time.monotonic() + GPU_SECONDS
    while time.monotonic() < give_up:
        said = ask_tool("--query-compute-apps=pid")
        if said is None or not {str(pid) for pid in pids} & set(said.split()):
            return
        time.sleep(0.2)
