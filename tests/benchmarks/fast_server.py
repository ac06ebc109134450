"""A chat completion server that costs next to nothing: each request gets one text after a set delay.

By hand: ``python -m tests.benchmarks.fast_server --port 9100 --delay 0.05``; port 0 takes a free one, which
the first line on standard output names. In benchmarks: ``with running(delay=0.05) as base_url``, a process of
its own.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TEXT = "It depends on the question, and on who asks. " * 4 + "\nVerdict: [[A]]"


def response(text: str = TEXT) -> bytes:
    """A whole HTTP response that holds a chat completion."""
    message = {"role": "assistant", "content": text}
    body = json.dumps(
        {
            "object": "chat.completion",
            "model": "fast",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Answerer(asyncio.Protocol):
    """One connection: counts each request's bytes and answers when they are all there."""

    def __init__(self, delay: float, answer: bytes) -> None:
        self.delay = delay
        self.answer = answer
        self.received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (head := self.received.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.received, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self.received) < end:
                return
            del self.received[:end]
            self.loop.call_later(self.delay, self.transport.write, self.answer)


async def serve(port: int, delay: float) -> None:
    """Answer on a loopback port until cancelled."""
    answer = response()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answerer(delay, answer), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def running(delay: float, port: int = 0) -> Iterator[str]:
    """The base URL of a server in a process of its own, until the block ends."""
    command = [sys.executable, "-m", __spec__.name, "--port", str(port), "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat completion server that costs next to nothing.")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.delay))
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
