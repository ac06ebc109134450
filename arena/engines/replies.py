"""What an OpenAI-compatible server sent, read as a reply or as an error with a plain sentence. Pure."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from arena.engines.base import EngineError, TokenLogprob, storable
from arena.engines.logprobs import read_logprobs

LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds that a server's Retry-After is believed
DETAIL_LENGTH = 200  # characters of the server's own words in a message
NAME_LENGTH = 200  # characters of model, fingerprint and finish reason
# OpenAI and Azure; vLLM in its two wordings; llama.cpp; Anthropic; Text Generation Inference; Google.
TOO_LONG = re.compile(
    rb"context_length_exceeded|maximum context length|longer than the maximum model length"
    rb"|exceeds? the (?:available )?context|exceed_context_size|prompt is too long"
    rb"|max_new_tokens` must be <=|input token count .{0,40}exceeds",
    re.IGNORECASE,
)
LARGEST_COUNT = 2**31 - 1  # of tokens: PostgreSQL's integer


class Reply(NamedTuple):
    """What one good response holds."""

    text: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None


class Refused(Exception):
    """One attempt failed with `error`; `again` says whether another attempt may help now."""

    def __init__(self, error: EngineError, *, again: bool = False) -> None:
        super().__init__(error.code)
        self.error = error
        self.again = again


def refuse(code: str, message: str, *, final: bool = False, again: bool = False) -> Refused:
    return Refused(EngineError(code, message, retry_after=None, final=final), again=again)


def read_reply(body: bytes, host: str, *, chat: bool = True) -> Reply:
    """The first choice of a chat completion, or of a raw one. Raises Refused (`empty`, `bad_response`)."""
    if not body.strip():
        raise refuse("empty", f"{host} sent an empty response; look at that server's log.")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"{host} did not answer with JSON; check that the base URL is the API's (…/v1)."
        if body.lstrip().startswith(b"{"):
            message = f"{host} sent JSON that is broken or cut off; look at that server's log."
        raise refuse("bad_response", message) from error
    choice = _first_choice(data)
    text, finish_reason = _text(choice, chat), choice.get("finish_reason")
    if text is None:
        message = f"{host} answered without a text (empty choices){_cause(finish_reason)}."
        raise refuse("bad_response", message)
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text=storable(text),
        finish_reason=_name(finish_reason),
        model=_name(data.get("model")),
        fingerprint=_name(data.get("system_fingerprint")),
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        logprobs=read_logprobs(choice.get("logprobs")),
    )


def read_error(status: int, host: str, model: str, detail: str, *, too_long: bool = False) -> Refused:
    """The error for a response that is not 200; `detail` is what the server said, or empty.

    `too_long`: it said that prompt and answer do not fit into the model's context.
    """
    end = "" if detail.endswith("…") else "."
    said = f" It says: {detail.rstrip('.')}{end}" if detail else ""
    if status in (401, 403):
        # What a server says here may repeat a part of the key, so it is not quoted.
        return refuse("unauthorized", f"{host} refuses the API key ({status}); check the key.", final=True)
    if status == 404:
        message = f"{host} does not know the address or the model {model!r}; check both.{said}"
        return refuse("not_found", message, final=True)
    if status in (408, 425):
        return refuse("timeout", f"{host} gave up waiting ({status}); try again later.{said}", again=True)
    if status == 429:
        hint = "lower the concurrency or raise the quota there."
        return refuse("rate_limited", f"{host} asks for fewer requests ({status}); {hint}{said}", again=True)
    if status >= 500:
        message = f"{host} failed ({status}); look at that server's log.{said}"
        return refuse("server_error", message, again=True)
    if status < 400:
        message = f"{host} answered {status} instead of 200; set the base URL to the final address."
        return refuse("bad_response", message, final=True)
    if too_long:
        hint = "set a smaller longest answer (max_tokens), or a longer context."
        message = f"Prompt and answer together are too long for {model!r}; {hint}{said}"
        return refuse("too_long", message, final=True)
    hint = "check the model's name, the sampling settings and the length of the prompt."
    return refuse("bad_request", f"{host} refuses the request ({status}); {hint}{said}", final=True)


def read_detail(body: bytes, secret: str) -> str:
    """What an error's JSON body says in words, on one line, cut, without `secret`; empty for no words."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for _ in range(2):  # {"error": {"message": ...}}, {"message": ...}, {"detail": ...}, {"error": "..."}
        if isinstance(data, dict):
            data = data.get("error") or data.get("message") or data.get("detail")
    if not isinstance(data, str):
        return ""
    words = " ".join(storable(data).split())
    if secret:
        words = words.replace(secret, "[key]")
    return words if len(words) <= DETAIL_LENGTH else words[: DETAIL_LENGTH - 1] + "…"


def says_too_long(body: bytes) -> bool:
    """Whether an error's body says that the request does not fit into the model's context."""
    return bool(TOO_LONG.search(body))


def read_wait(value: str | None, date: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or an HTTP date against the response's own Date.

    None when it is absent or not understood; never negative, at most a day.
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value, re.ASCII):
        seconds = float(value)
    else:
        until, now = _http_date(value), _http_date(date) or datetime.now(UTC)
        if until is None:
            return None
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _first_choice(data: object) -> dict:
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _text(choice: dict, chat: bool) -> str | None:
    """A choice's text. A reasoning model's `reasoning_content` is not its text."""
    text = choice.get("text")
    if chat:
        message = choice.get("message")
        text = message.get("content") if isinstance(message, dict) else None
    return text if isinstance(text, str) else None


def _cause(finish_reason: object) -> str:
    if finish_reason == "length":
        return "; it ran out of tokens before its text began, so raise max_tokens"
    return "; ask for this model by hand to see what it sends"


def _name(value: object) -> str | None:
    return storable(value)[:NAME_LENGTH] if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= LARGEST_COUNT else None
