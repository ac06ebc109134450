"""A small OpenAI-compatible server that does what real ones do, good and bad.

By hand: ``python -m tests.servers --port 9000 --verdict longest``. In tests: ``with running_server() as s``.
The model's name chooses the behaviour; a number after a colon is its argument, as in ``slow:0.5``. Any other
name, such as ``judge``, simply answers.
"""

import argparse
import base64
import hashlib
import json
import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = re.compile(r"<<<(first|second|) ?answer[^|>]*\| (\w+)>>>\n(.*?)\n<<<end \| \2>>>", re.DOTALL)
NUMBERED = re.compile(r"<<<answer (\d+) \| (\w+)>>>\n(.*?)\n<<<end \| \2>>>", re.DOTALL)
HUGE = 100 * 1024 * 1024  # bytes


def longest(prompt: str) -> str:
    """The verdict for the longer of the two answers that a judge's prompt shows."""
    sizes: Counter[str] = Counter()
    for place, _, text in ANSWER.findall(prompt):
        sizes[place] += len(text)
    marker = "[[tie]]"
    if sizes["first"] != sizes["second"]:
        marker = "[[A]]" if sizes["first"] > sizes["second"] else "[[B]]"
    return f"{sizes['first']} characters against {sizes['second']}.\nVerdict: {marker}"


def first(prompt: str) -> str:
    return "The first one.\nVerdict: [[A]]"


def by_chance(prompt: str) -> str:
    return f"By chance.\nVerdict: {random.Random(prompt).choice(['[[A]]', '[[B]]', '[[tie]]'])}"


def graded(prompt: str) -> str:
    """Grades by length, from 1 (up to four characters) to 4, in every line that the prompt asks for."""
    grade = min(1 + sum(len(text) for _, _, text in ANSWER.findall(prompt)) // 5, 4)
    lines = re.findall(r"^(.+): \[\[n\]\]$", prompt, re.MULTILINE)
    return "By length.\n" + "\n".join(f"{name}: [[{grade}]]" for name in lines)


def ranked(prompt: str) -> str:
    """All numbered answers by length, those of the same length equal."""
    sizes = {number: len(text) for number, _, text in NUMBERED.findall(prompt)}
    by_size: dict[int, list[str]] = {}
    for number, size in sizes.items():
        by_size.setdefault(size, []).append(number)
    said = " > ".join(" = ".join(by_size[size]) for size in sorted(by_size, reverse=True))
    return f"By length.\nRanking: {said}"


def echo(prompt: str) -> str:
    return prompt


VERDICTS: dict[str, Callable[[str], str]] = {
    "longest": longest,
    "first": first,
    "random": by_chance,
    "graded": graded,
    "ranked": ranked,
    "echo": echo,
}


def chat_logprobs(tokens: list[str]) -> dict:
    """Each token with log probability -0.5, and "other" at -1.5 beside it, as chats send it."""
    top = {"token": "other", "logprob": -1.5, "bytes": None}
    words = [{"token": token, "logprob": -0.5, "bytes": None} for token in tokens]
    return {"content": [{**word, "top_logprobs": [word, top]} for word in words]}


def raw_logprobs(words: list[str]) -> dict:
    """The same as raw completions send it."""
    tops = [{word: -0.5, "other": -1.5} for word in words]
    return {"tokens": words, "token_logprobs": [-0.5] * len(words), "top_logprobs": tops, "text_offset": []}


@cache
def bomb() -> bytes:
    """HUGE spaces in about a thousandth of that, as gzip."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * 65536) for _ in range(HUGE // 65536)) + packer.flush()


def text_of(message: dict) -> str:
    """What a message says; an image as a vision model would have to see it: its type and its bytes' hash."""
    if isinstance(message["content"], str):
        return message["content"]
    return "\n".join(part["text"] if part["type"] == "text" else seen(part) for part in message["content"])


def seen(part: dict) -> str:
    head, _, data = part["image_url"]["url"].partition(";base64,")
    return f"[{head.removeprefix('data:')} {hashlib.sha256(base64.b64decode(data)).hexdigest()}]"


class Server(ThreadingHTTPServer):
    """Answers on a loopback port; remembers what it was asked, and the most that it did at once."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int = 0, reply: Callable[[str], str] = longest, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.reply = reply
        self.tls = tls
        self.elsewhere = ""  # where redirects lead
        self.finish_reason = "stop"
        self.tokens: Callable[[str], list[str]] = str.split
        self.connections = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.asked: Counter[str] = Counter()
        self.busy = self.peak = 0

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/v1"

    def finish_request(self, request, client_address) -> None:
        """In the connection's own thread, so that a slow handshake holds up nobody else."""
        with self.lock:
            self.connections += 1
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the game."""

    @contextmanager
    def counted(self, body: dict, headers: dict[str, str]) -> Iterator[int]:
        """Record one request; gives how often this model was asked with this prompt, from 1."""
        key = json.dumps([body.get("model"), body.get("messages"), body.get("prompt")])
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            self.asked[key] += 1
            turn = self.asked[key]
            self.busy += 1
            self.peak = max(self.peak, self.busy)
        try:
            yield turn
        finally:
            with self.lock:
                self.busy -= 1


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self.send(404, {"error": {"message": "no such address"}})
        self.send(200, {"object": "list", "data": [{"id": "judge", "object": "model"}]})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path not in ("/v1/chat/completions", "/v1/completions"):
            return self.send(404, {"error": {"message": "no such address"}})
        self.body = body = json.loads(raw)
        name, _, argument = str(body.get("model")).partition(":")
        with self.server.counted(body, {k.lower(): v for k, v in self.headers.items()}) as turn:
            act = getattr(self, "do_" + name.replace("-", "_"), None)
            prompt = body.get("prompt") or "\n".join(map(text_of, body["messages"]))
            if act is None:
                return self.send_text(self.server.reply(prompt))
            act(float(argument) if argument else None, turn, prompt)

    # One method a behaviour: (argument, how often this was asked, prompt).

    def do_slow(self, seconds, turn, prompt) -> None:
        self.server.closing.wait(seconds or 0.2)
        self.send_text(self.server.reply(prompt))

    def do_mixed(self, _, turn, prompt) -> None:
        """Slow for the prompt that ends in 0, quick for others."""
        self.server.closing.wait(0.4 if prompt.endswith("0") else 0)
        self.send_text(self.server.reply(prompt))

    def do_stuck_after_one(self, _, turn, prompt) -> None:
        """Answer the prompt that ends in 0, hang at others."""
        self.do_hang(_, turn, prompt) if not prompt.endswith("0") else self.send_text(
            self.server.reply(prompt)
        )

    def do_limited(self, seconds, turn, prompt) -> None:
        """429 with Retry-After in seconds, then good."""
        if turn > 1:
            return self.send_text(self.server.reply(prompt))
        self.send(429, {"error": {"message": "slow down"}}, {"retry-after": f"{seconds or 0:g}"})

    def do_limited_until(self, seconds, turn, prompt) -> None:
        """429 with Retry-After as a date (whole seconds), then good."""
        if turn > 1:
            return self.send_text(self.server.reply(prompt))
        date = formatdate(time.time() + (seconds or 0), usegmt=True)
        self.send(429, {"error": {"message": "slow down"}}, {"retry-after": date})

    def do_fails(self, times, turn, prompt) -> None:
        """500 so many times, or for ever."""
        if times is None or turn <= times:
            return self.send(500, {"error": {"message": "out of memory"}})
        self.send_text(self.server.reply(prompt))

    def do_short(self, context, turn, prompt) -> None:
        """A model of so many tokens, each four bytes; says of longer prompts what vLLM says."""
        tokens = len(prompt.encode()) // 4
        if tokens > context:
            words = f"This model's maximum context length is {context:g} tokens. However, you sent {tokens}."
            return self.send(400, {"error": {"message": words, "code": 400}})
        self.send_text(self.server.reply(prompt), tokens)

    def do_breaks(self, number, turn, prompt) -> None:
        """Good for so many requests, then 503 for ever."""
        if self.server.asked.total() > number:
            return self.send(503, {"error": {"message": "out of service"}}, {"retry-after": "0"})
        self.send_text(self.server.reply(prompt))

    def do_status(self, status, turn, prompt) -> None:
        elsewhere = self.server.elsewhere or f"{self.server.base_url}/elsewhere"
        headers = {"location": elsewhere} if 300 <= status < 400 else {}
        key = self.headers.get("authorization", "")
        self.send(int(status), {"error": {"message": f"you sent {key} and that is {status:g}"}}, headers)

    def do_refuses(self, number, turn, prompt) -> None:
        """400 for the prompt that ends in this number and a question mark, good for others."""
        if prompt.endswith(f"{number:g}?"):
            return self.send(400, {"error": {"message": "content filter"}})
        self.send_text(self.server.reply(prompt))

    def do_needs_key(self, _, turn, prompt) -> None:
        """401 without the right key."""
        if self.headers.get("authorization") != "Bearer sk-right-0123456789":
            return self.send(401, {"error": {"message": "no"}})
        self.send_text(self.server.reply(prompt))

    def do_html(self, _, turn, prompt) -> None:
        self.send_bytes(200, b"<html><body>Welcome</body></html>", {"content-type": "text/html"})

    def do_nothing(self, _, turn, prompt) -> None:
        self.send_bytes(200, b"", {})

    def do_no_choices(self, _, turn, prompt) -> None:
        self.send(200, {"choices": [], "model": "m"})

    def do_no_content(self, _, turn, prompt) -> None:
        message = {"role": "assistant", "content": None, "reasoning_content": "Verdict: [[A]]"}
        self.send(200, {"choices": [{"message": message, "finish_reason": "length"}]})

    def do_reasoning(self, _, turn, prompt) -> None:
        message = {"role": "assistant", "content": "Verdict: [[B]]", "reasoning_content": "Verdict: [[A]]"}
        self.send(200, {"choices": [{"message": message, "finish_reason": "stop"}]})

    def do_truncated(self, _, turn, prompt) -> None:
        self.send_bytes(200, b'{"choices": [{"message": {"content": "half of', {})

    def do_cut(self, _, turn, prompt) -> None:
        """Promise 1,000 bytes, send a few, hang up."""
        self.start(200, {"content-length": "1000"})
        self.wfile.write(b'{"choices":')
        self.close_connection = True

    def do_chunks_cut(self, _, turn, prompt) -> None:
        """A whole chunk and a half, then the end of the connection."""
        self.start(200, {"transfer-encoding": "chunked"})
        self.wfile.write(b'b\r\n{"choices":\r\n400\r\n[{"message":')
        self.close_connection = True

    def do_stream_cut(self, _, turn, prompt) -> None:
        """A body whose end is the end of the connection, which comes too soon."""
        self.start(200, {"connection": "close"})
        self.wfile.write(b'{"choices": [{"message": {"content": "half of')
        self.close_connection = True

    def do_deep(self, _, turn, prompt) -> None:
        self.send_bytes(200, b"[" * 100_000, {})

    def do_huge(self, _, turn, prompt) -> None:
        """100 MiB of spaces, no length given."""
        self.start(200, {"connection": "close"})
        for _ in range(HUGE // 65536):
            self.wfile.write(b" " * 65536)
        self.close_connection = True

    def do_gzip(self, _, turn, prompt) -> None:
        self.send_bytes(200, b"\x1f\x8b", {"content-encoding": "gzip"})

    def do_bomb(self, _, turn, prompt) -> None:
        """100 MiB of spaces in 100 KiB of gzip, announced as such."""
        self.send_bytes(200, bomb(), {"content-encoding": "gzip"})

    def do_hidden_bomb(self, _, turn, prompt) -> None:
        """The same, announced as JSON."""
        self.send_bytes(200, bomb(), {"content-type": "application/json"})

    def do_coded_bomb(self, _, turn, prompt) -> None:
        """The same, as a transfer coding."""
        self.start(200, {"transfer-encoding": "gzip, chunked"})
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb()), bomb()))

    def do_hang(self, _, turn, prompt) -> None:
        self.server.closing.wait(60)
        self.close_connection = True

    def do_drip(self, seconds, turn, prompt) -> None:
        """One byte every 0.3 s."""
        self.start(200, {"content-length": "1000"})
        for _ in range(1000):
            self.wfile.write(b" ")
            self.wfile.flush()
            if self.server.closing.wait(seconds or 0.3):
                break
        self.close_connection = True

    def do_hang_up(self, times, turn, prompt) -> None:
        """Close without a word, so many times or for ever."""
        if times is None or turn <= times:
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        self.send_text(self.server.reply(prompt))

    def do_poisoned(self, _, turn, prompt) -> None:
        """Close without a word on the prompt that has "poison" in it; good for others."""
        if "poison" in prompt:
            return self.do_hang_up(None, turn, prompt)
        self.send_text(self.server.reply(prompt))

    def do_headers(self, _, turn, prompt) -> None:
        """Headers without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.closing.is_set():
            self.wfile.write(b"x-more: " + b"y" * 1000 + b"\r\n")

    def do_long_header(self, _, turn, prompt) -> None:
        """One header without an end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx-more: ")
        while not self.server.closing.is_set():
            self.wfile.write(b"y" * 1000)

    def do_trailers(self, _, turn, prompt) -> None:
        """Trailers without an end."""
        self.start(200, {"transfer-encoding": "chunked"})
        self.wfile.write(b"2\r\n{}\r\n0\r\n")
        while not self.server.closing.is_set():
            self.wfile.write(b"x-more: " + b"y" * 1000 + b"\r\n")

    def do_continues(self, _, turn, prompt) -> None:
        """Interim responses without an end."""
        while not self.server.closing.is_set():
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    def do_not_http(self, _, turn, prompt) -> None:
        self.wfile.write(b"220 mail.example ESMTP\r\n")
        self.close_connection = True

    def do_once(self, _, turn, prompt) -> None:
        """Good, on a connection that ends with it."""
        self.close_connection = True
        body = json.dumps({"choices": [{"message": {"content": self.server.reply(prompt)}}]}).encode()
        self.send_bytes(200, body, {"connection": "close"})

    def do_surrogates(self, _, turn, prompt) -> None:
        self.send_text("a\x00b\ud800c\U0001f600")

    def do_odd_usage(self, _, turn, prompt) -> None:
        usage = {"prompt_tokens": -1, "completion_tokens": "many"}
        self.send(
            200, {"choices": [{"message": {"content": ""}, "finish_reason": 7}], "model": 5, "usage": usage}
        )

    def send_text(self, text: str, tokens: int = 11) -> None:
        raw = self.path == "/v1/completions"
        choice = {"index": 0, "finish_reason": self.server.finish_reason}
        choice |= {"text": text} if raw else {"message": {"role": "assistant", "content": text}}
        if self.body.get("logprobs"):
            pieces = self.server.tokens(text)
            choice["logprobs"] = raw_logprobs(pieces) if raw else chat_logprobs(pieces)
        self.send(
            200,
            {
                "object": "text_completion" if raw else "chat.completion",
                "model": "served-model",
                "system_fingerprint": "fp_1",
                "choices": [choice],
                "usage": {"prompt_tokens": tokens, "completion_tokens": 7, "total_tokens": tokens + 7},
            },
        )

    def send(self, status: int, data: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(data).encode()
        self.send_bytes(status, body, {"content-type": "application/json", **(headers or {})})

    def send_bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.start(status, {"content-length": str(len(body)), **headers})
        self.wfile.write(body)

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()


@contextmanager
def running_server(
    reply: Callable[[str], str] = longest, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server on a free port, in a thread, until the block ends."""
    server = Server(reply=reply, tls=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="A small OpenAI-compatible server for tests.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--verdict", choices=sorted(VERDICTS), default="longest")
    options = parser.parse_args()
    server = Server(options.port, VERDICTS[options.verdict])
    print(f"Answering at {server.base_url}; stop with Ctrl-C.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.closing.set()
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
