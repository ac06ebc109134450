"""A model hub on loopback: the two answers of its interface that are used here."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """``repositories`` maps owner/name to its files; the other settings change what is answered."""

    def __init__(self, repositories: dict[str, dict[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = repositories
        self.gated: set[str] = set()
        self.down = False
        self.knows_no_ranges = False
        self.asked: list[str] = []  # ranges of bytes, empty for a whole file

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *args) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        if self.server.down:
            self.send(503, b"")
        elif path.startswith("api/models/"):
            self.send_info(path.removeprefix("api/models/"))
        else:
            repository, _, rest = path.partition("/resolve/")
            self.send_file(repository, rest.partition("/")[2])

    def send_info(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        if repository not in self.server.repositories:
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("", "main", COMMIT):
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            files = self.server.repositories[repository]
            info = {
                "id": repository,
                "sha": COMMIT,
                "gated": "manual" if repository in self.server.gated else False,
                "cardData": {"license": "apache-2.0"},
                "siblings": [{"rfilename": name, "size": len(data)} for name, data in files.items()],
            }
            self.send(200, json.dumps(info).encode())

    def send_file(self, repository: str, name: str) -> None:
        if repository in self.server.gated:
            self.send(403, b"", {"X-Error-Code": "GatedRepo"})
        elif name not in self.server.repositories.get(repository, {}):
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            data = self.server.repositories[repository][name]
            status, data = self.cut(data)
            self.send(status, data, {"ETag": f'"{len(data)}"', "X-Repo-Commit": COMMIT})

    def cut(self, data: bytes) -> tuple[int, bytes]:
        """What is asked for of a file, with its status."""
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        self.server.asked.append(wanted)
        if not wanted or self.server.knows_no_ranges:
            return 200, data
        first, last = map(int, wanted.split("-"))
        return 206, data[first : last + 1]

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running_hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[Hub]:
    hub = Hub(repositories)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
