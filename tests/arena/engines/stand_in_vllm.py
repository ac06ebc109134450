"""Stands in for vLLM's API server: a real process with the same command line, health, key and engine process.

`make_python` makes an interpreter that finds it as vllm.entrypoints.openai.api_server. The model's name says
what it does; any other name serves like tests.servers.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parents[3]
SLEEP = "import time; time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
STRANGER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TAKEN = "    sock.bind(addr)\nOSError: [Errno 98] Address already in use"
# As vLLM 0.32 prints it, the tokens apart.
DEATH = """\
\x1b[0;36m(APIServer pid=7)\x1b[0;0m INFO 11-25 15:39:35 [api_utils.py:286] non-default args: {'port': 1}
\x1b[0;36m(EngineCore pid=8)\x1b[0;0m ERROR 11-25 15:39:56 [core.py:1510] Traceback (most recent call last):
\x1b[0;36m(EngineCore pid=8)\x1b[0;0m ERROR 11-25 15:39:56 [core.py:1510] RuntimeError: cannot reach \
https://bob:pw@host with KEY and hf_abcdefghij
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}
"""


def make_python(folder: Path) -> str:
    """A virtual environment in which this file is vLLM; the path of its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    package = site / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    shutil.copy(__file__, package / "api_server.py")
    (site / "tests.pth").write_text(f"{ROOT}\n")
    return str(folder / "bin" / "python")


class Handler(servers.Handler):
    def do_GET(self) -> None:
        if self.path == "/health":
            return self.send(200, {})
        super().do_GET()

    def do_POST(self) -> None:
        if self.headers.get("authorization") != f"Bearer {os.environ['VLLM_API_KEY']}":
            return self.send(401, {"error": "Unauthorized"})
        super().do_POST()

    def do_dies(self, _, turn, prompt) -> None:
        """With the third request; the first two are under way then."""
        if self.server.busy == 3:
            print(DEATH.replace("KEY", os.environ["VLLM_API_KEY"]), flush=True)
            os._exit(1)
        self.server.closing.wait(60)

    def do_poisoned(self, _, turn, prompt) -> None:
        """It dies when it reads "poison", whatever else is under way."""
        self.server.closing.wait(0.05)
        if "poison" in prompt:
            os._exit(1)
        self.send_text(self.server.reply(prompt))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--port", type=int)
    options, _ = parser.parse_known_args()
    Path("seen").write_text(json.dumps({"argv": sys.argv, "environ": dict(os.environ)}))
    # The engine outlives a killed API server.
    subprocess.Popen([sys.executable, "-c", DEAF if options.model == "stubborn" else SLEEP])
    act = globals().get("do_" + options.model.replace("-", "_"))
    if act:
        act(options.port)
    server = servers.Server(options.port, servers.echo)
    server.RequestHandlerClass = Handler
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if options.model != "stubborn" else None)
    server.serve_forever()


def do_dies_early(port: int) -> None:
    print(DEATH.replace("KEY", os.environ["VLLM_API_KEY"]) + "\nx" * 1000)
    sys.exit(1)


def do_out_of_memory(port: int) -> None:
    print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.")
    sys.exit(1)


def do_never_ready(port: int) -> None:
    print("loading")
    time.sleep(600)


def do_taken(port: int) -> None:
    print(TAKEN)
    sys.exit(1)


def do_taken_once(port: int) -> None:
    if not Path("taken").exists():
        Path("taken").write_text(str(port))
        do_taken(port)


def do_stranger(port: int) -> None:
    """Another program answers at the port while the model loads."""
    stranger = subprocess.Popen([sys.executable, "-c", STRANGER, str(port)], start_new_session=True, cwd="/")
    Path("stranger").write_text(str(stranger.pid))
    time.sleep(600)


if __name__ == "__main__":
    main()
