"""Any OpenAI-compatible server (vLLM, Ollama, a provider) over HTTP: POST {base_url}/chat/completions."""

import asyncio
import base64
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import aiohttp
from yarl import URL

from arena.engines.addresses import read_url
from arena.engines.base import GONE, LOST, Attachment, Completion, Message, Request
from arena.engines.connections import CONNECT_SECONDS, FAILURES, open_session, read_failure
from arena.engines.guard import Guard
from arena.engines.replies import (
    Refused,
    Reply,
    read_detail,
    read_error,
    read_reply,
    read_wait,
    refuse,
    says_too_long,
)
from arena.engines.workers import Complete, Workers

LONGEST_WAIT = 60.0  # seconds between two attempts
DETAIL_BYTES = 16 * 1024  # of the body that comes with an error
DETAIL_SECONDS = 2.0
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class OpenAIEngine:
    """A client of one model on one server.

    - `base_url`: address with the version, such as http://localhost:8000/v1; `api_key` may be empty.
    - `concurrency`: most requests under way at once.
    - `deadline`: seconds that one request may take, with all its attempts and the waits between them.
    - `attempt_seconds`: seconds of one attempt; None leaves it the whole deadline.
    - `attempts`: most attempts at one request. 429, 5xx, timeouts and broken connections are tried again
      after `backoff` * 2**n seconds (at most 60) less a random part of up to a half, or when Retry-After
      says. No wait over 60 s or beyond the deadline: the request ends, and `retry_after` says how long.
    - `gone_is_gone`: a broken or refused connection is not tried again, for a server that does not come back.
    - `max_response_bytes`: a larger response is dropped while it streams.
    - `sampling`: settings of every request; a request's own go before.
    - `version`: what is known to run there, for the record.
    - `guard`: for addresses that strangers chose; None connects to any.
    - `give_up`: asked while nothing ends; once it says so, the stream ends without what is under way.

    Images go as data: URIs, in parts of their message behind its text. A request with a `prompt` goes to
    {base_url}/completions. NUL and lone surrogates, which PostgreSQL cannot keep, come out of texts as
    U+FFFD. `reasoning_content` is not part of a text; an empty string is a text.
    Error codes: `unauthorized`, `not_found`, `bad_request`, `too_long`, `too_large`, `bad_certificate`,
    `forbidden_address` (the guard's), and `bad_response` for a redirect or compressed data, are final;
    `rate_limited`, `server_error`, `timeout`, `unreachable`, `connection_lost`, `empty` (a response of no
    bytes) and any other `bad_response` may pass later.
    The key is in no message, log line or repr. Raises ValueError for settings that cannot work.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    concurrency: int = 8
    deadline: float = 300.0
    attempt_seconds: float | None = None
    attempts: int = 4
    backoff: float = 0.5
    max_response_bytes: int = 8 * 1024 * 1024
    sampling: Mapping[str, object] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random, repr=False, compare=False)
    version: str = ""
    guard: Guard | None = None
    give_up: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)
    gone_is_gone: bool = False

    def __post_init__(self) -> None:
        read_url(self.base_url)
        if not re.fullmatch(r"[!-~]*", self.api_key):
            raise ValueError("The API key may hold only printable ASCII characters, without spaces.")
        if self.concurrency < 1 or self.attempts < 1 or self.deadline <= 0:
            raise ValueError("Concurrency, attempts and deadline must be above zero.")

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete `requests`, each completion as it ends.

        Requests are pulled lazily, in the caller's thread, at most twice `concurrency` ahead. Closing the
        iterator cancels what is under way and returns when nothing of it is left.
        """
        source = iter(requests)
        waiting = 0
        with Workers("engine-openai", self.concurrency, self._opened) as workers:
            while True:
                for request in islice(source, 2 * self.concurrency - waiting):
                    workers.add(request)
                    waiting += 1
                if not waiting:
                    return
                completion = workers.next_completion(self.give_up)
                if completion is None:
                    return
                waiting -= 1
                yield completion

    async def complete(self, session: aiohttp.ClientSession, request: Request) -> Completion:
        """One request to its end: a text, or the error of its last attempt."""
        begun = time.monotonic()
        reply, error = Reply(), None
        try:
            content = self._body(request)
            async with asyncio.timeout(self.deadline):
                reply = await self._try(session, request, content, begun + self.deadline)
        except TimeoutError as late:
            error = self._overdue(late).error
        except Refused as refused:
            error = refused.error
        return Completion(
            key=request.key,
            text=reply.text,
            finish_reason=reply.finish_reason,
            model=reply.model,
            fingerprint=reply.fingerprint,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            seconds=time.monotonic() - begun,
            error=error,
            logprobs=reply.logprobs,
        )

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Complete]:
        async with open_session(
            self._url, api_key=self.api_key, concurrency=self.concurrency, guard=self.guard
        ) as session:
            yield lambda request: self.complete(session, request)

    @cached_property
    def _url(self) -> URL:
        return read_url(self.base_url.rstrip("/"))

    @cached_property
    def _chat_url(self) -> URL:
        return self._url / "chat/completions"

    @cached_property
    def _raw_url(self) -> URL:
        return self._url / "completions"

    @cached_property
    def _host(self) -> str:
        return self._url.host_port_subcomponent or ""

    def _body(self, request: Request) -> bytes:
        body = {**self.sampling, **request.sampling, "model": self.model, "stream": False}
        if request.prompt is None:
            body["messages"] = [_as_sent(turn, request.images) for turn in request.messages]
        else:
            body["prompt"] = request.prompt
        try:
            return ENCODER.encode(body).encode()
        except (TypeError, ValueError, RecursionError) as error:
            message = "The request does not fit in JSON: look for lone surrogates or an odd sampling setting."
            raise refuse("bad_request", message, final=True) from error

    async def _try(
        self, session: aiohttp.ClientSession, request: Request, content: bytes, until: float
    ) -> Reply:
        """The reply of the first attempt that succeeds before the monotonic time `until`.

        A server that takes no connection after it ended one in mid-request is said to have ended it.
        """
        attempt, lost = 1, None
        while True:
            try:
                return await self._attempt(session, content, chat=request.prompt is None)
            except Refused as refused:
                wait = self._wait(attempt, refused.error.retry_after)
                hopeless = wait > LONGEST_WAIT or time.monotonic() + wait >= until
                lost = refused if refused.error.code == LOST else lost
                hopeless = hopeless or (self.gone_is_gone and refused.error.code in GONE)
                if not refused.again or attempt == self.attempts or hopeless:
                    gone = lost if refused.error.code == "unreachable" else None
                    raise (gone or refused) from None
            await asyncio.sleep(wait)
            attempt += 1

    def _wait(self, attempt: int, retry_after: float | None) -> float:
        ceiling = min(LONGEST_WAIT, self.backoff * 2 ** min(attempt - 1, 30))
        return max(ceiling * (1 - self.rng.random() / 2), retry_after or 0.0)

    async def _attempt(self, session: aiohttp.ClientSession, content: bytes, *, chat: bool) -> Reply:
        url = self._chat_url if chat else self._raw_url
        try:
            async with (
                asyncio.timeout(self.attempt_seconds),
                session.post(url, data=content, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise await self._refusal(response)
                body = await self._load(response, self.max_response_bytes)
        except TimeoutError as late:
            raise self._overdue(late) from late
        except FAILURES as error:
            raise read_failure(error, self._host) from error
        return read_reply(body, self._host, chat=chat)

    async def _load(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        if any(value.lower() != "identity" for value in response.headers.getall("content-encoding", ())):
            message = f"{self._host} compresses its responses without being asked; switch that off there."
            raise refuse("bad_response", message, final=True)
        body = bytearray()
        while chunk := await response.content.readany():
            body += chunk
            if len(body) > limit:
                hint = "lower max_tokens or raise the limit on responses."
                raise refuse("too_large", f"{self._host} sent more than {limit:,} bytes; {hint}", final=True)
        return bytes(body)

    async def _refusal(self, response: aiohttp.ClientResponse) -> Refused:
        body = b""  # the status says enough
        with suppress(*FAILURES, Refused):  # a TimeoutError is an OSError
            async with asyncio.timeout(DETAIL_SECONDS):
                body = await self._load(response, DETAIL_BYTES)
        detail = read_detail(body, self.api_key)
        too_long = says_too_long(body)
        refused = read_error(response.status, self._host, self.model, detail, too_long=too_long)
        seconds = read_wait(response.headers.get("retry-after"), response.headers.get("date"))
        return Refused(replace(refused.error, retry_after=seconds), again=refused.again)

    def _overdue(self, late: Exception) -> Refused:
        if isinstance(late, aiohttp.ConnectionTimeoutError):
            message = f"{self._host} takes no connection in {CONNECT_SECONDS:g} s; check that it runs."
            return refuse("timeout", message, again=True)
        hint = "raise the deadline, lower max_tokens, or ask fewer at once."
        return refuse("timeout", f"{self._host} gave no complete answer in time; {hint}", again=True)


def _as_sent(message: Message, images: Mapping[str, Attachment]) -> dict[str, object]:
    """A message as the API takes it: text alone, or its text and then its images. Raises Refused."""
    if not message.images:
        return {"role": message.role, "content": message.content}
    parts: list[dict[str, object]] = [{"type": "text", "text": message.content}]
    for sha256 in message.images:
        if sha256 not in images:
            raise refuse("bad_request", "An image of the prompt is not stored any more.", final=True)
        image = images[sha256]
        url = f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}
