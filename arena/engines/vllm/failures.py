"""Why a vLLM server is not there: read from its log, as a code and a plain sentence. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

LINE_LENGTH = 300  # characters of a line of the log
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TOKENS = re.compile(r"\b(hf_|sk-)[A-Za-z0-9_-]{6,}|(?<=://)[^/\s@]+(?=@)|(?i:(?<=bearer ))[^\s'\"]+")
# "(EngineCore pid=1) ERROR 01-31 12:00:00 [core.py:1510] " before what is said.
PREFIX = re.compile(r"^(\(.*? pid=\d+\) )?([A-Z]+ \d\d-\d\d [\d:]+ (\[[\w.]+:\d+\] ?)?)?")
BANNER = re.compile(r"[█▄▀]")  # vLLM paints its name
NEWS = re.compile(r"^(\(.*? pid=\d+\) )?(INFO|WARNING|DEBUG) \d\d-\d\d ")
ERROR = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Interrupt))\b:? *(.*)")
# They say that something failed elsewhere.
EMPTY_ERRORS = re.compile(
    r"See (root cause|stack trace)|EngineDeadError|CancelledError|Error: cancelled|check the stack trace"
)

WITHOUT_SAFETENSORS = (
    "{model} has no weights in the safetensors format, the only one that is read here; convert them."
)


class ServerFailed(Exception):
    """A server does not run: `code` for programs, `message` for people; `final`: it would fail again.

    `worked`: it had answered before, so that starting it again is worth while at once.
    """

    worked = False

    def __init__(self, code: str, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.final = final


class Cause(NamedTuple):
    """A failure that the log gives away. `{model}` and what the pattern names go into the sentence."""

    code: str
    final: bool
    pattern: str
    sentence: str


# The first that is found counts, so that the narrow ones come before the wide ones.
CAUSES = (
    Cause(
        "no_vllm",
        True,
        r"No module named '?vllm[\w.]*'?$",
        "This vLLM has no server that can be started as a module; install vLLM 0.20 or newer.",
    ),
    Cause("port_taken", False, r"(?i)address already in use", "The server's port was taken; start it again."),
    Cause(
        "out_of_memory",
        False,
        r"(Free|Available) memory on [^\n]*less than desired [CG]PU memory utilization",
        "Other programs use the memory that {model} needs; stop them, or lower gpu_memory_utilization.",
    ),
    Cause(
        "out_of_memory",
        True,
        r"memory on node [^\n]*requested memory for kv|To serve at least one request"
        r"|No available memory for the cache blocks",
        "The memory is too small for the cache of {model}; lower max_model_len, or use more or larger GPUs.",
    ),
    Cause(
        "out_of_memory",
        True,
        r"OutOfMemoryError|(CUDA|HIP|CUDA error:) out of memory|an't allocate memory|annot allocate memory"
        r"|\bMemoryError\b",
        "The memory is too small for {model}; use more or larger GPUs, a smaller model, or quantization.",
    ),
    Cause(
        "unsupported_model",
        True,
        r"Model architectures \[(?P<what>[\w', ]+)\] (are not supported|failed)",
        "This vLLM does not know the architecture {what} of {model}; a newer vLLM may.",
    ),
    Cause(
        "unsupported_model",
        True,
        r"has model type `?(?P<what>[\w.-]+)`? but Transformers does not recognize",
        "This vLLM does not know the architecture {what} of {model}; a newer vLLM may.",
    ),
    Cause(
        "unsupported_model",
        True,
        r"contains custom code|(set|setting|pass|argument) `?trust_remote_code=True",
        "{model} needs code of its own, which is not run here; choose a model that vLLM knows.",
    ),
    Cause(
        "unsupported_model",
        True,
        r"Cannot find any model weights",
        WITHOUT_SAFETENSORS,
    ),
    Cause(
        "unsupported_model",
        True,
        r"SafetensorError: (?P<what>[^\n]{1,120})",
        "The weights of {model} cannot be read ({what}); load or copy them again.",
    ),
    Cause(
        "gated_model",
        True,
        r"GatedRepoError|Cannot access gated repo|trying to access a gated repo\.|is a gated repository",
        "{model} is gated: accept its terms on the model hub and give the workers that account's HF_TOKEN.",
    ),
    Cause(
        "no_such_model",
        True,
        r"RevisionNotFoundError|Revision Not Found|is not a valid git identifier",
        "{model} has no such revision on the model hub; check it.",
    ),
    Cause(
        "no_such_model",
        True,
        r"RepositoryNotFoundError|Repository Not Found|is not a valid model identifier|HFValidationError",
        "The model hub has no {model}, or it is private; check the name, and HF_TOKEN for a private one.",
    ),
    Cause(
        "no_such_model",
        False,
        r"LocalEntryNotFoundError|OfflineModeIsEnabled|couldn't connect to|Name or service not known"
        r"|ConnectError",
        "{model} is not on this host, and the model hub is out of reach; check the network (HF_HUB_OFFLINE).",
    ),
    Cause(
        "unsupported_model",
        True,
        r"not a valid JSON file|Invalid repository ID or local directory|No supported config format"
        r"|Unrecognized model in|should have a `model_type`",
        "The config.json of {model} is missing or cannot be read; check its files.",
    ),
    Cause(
        "bad_option",
        True,
        r"api_server\.py: error: (?P<what>[^\n]{1,250})",
        "vLLM does not take these options: {what}",
    ),
    Cause(
        "bad_option",
        True,
        r"validation errors? for \w+\n(?P<what>[^\[]{1,250})",
        "vLLM does not take these options: {what}",
    ),
)


def tidy(text: str, secrets: Iterable[str] = ()) -> str:
    """Text of a log as it may be shown: without terminal codes, control characters and secrets."""
    text = CONTROL.sub("", ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[removed]")
    return TOKENS.sub("[removed]", text)


def shorten(line: str) -> str:
    return line if len(line) <= LINE_LENGTH else line[: LINE_LENGTH - 1] + "…"


def read_failure(log: str, model: str, status: int) -> ServerFailed:
    """Why the server ended before it was ready; `log` is tidy, `status` is its exit status."""
    lines = [line for line in log.splitlines() if not NEWS.match(line)]
    said = "\n".join(PREFIX.sub("", line, count=1) for line in lines)
    for cause in CAUSES:
        if found := re.search(cause.pattern, said, re.MULTILINE):
            words = {name: " ".join((text or "").split()) for name, text in found.groupdict().items()}
            message = cause.sentence.format(model=model, **words)
            return ServerFailed(cause.code, shorten(message), final=cause.final)
    return read_death(log, model, status)


def read_death(log: str, model: str, status: int) -> ServerFailed:
    """That the server is gone, with its last words."""
    killed = " It was killed: perhaps the memory of the host ran out." if status == 137 else ""
    error = last_error(log)
    quoted = f" Its last error: {error}" if error else " It left no error in its log."
    message = f"The server of {model} ended by itself (exit status {status}).{killed}{quoted}"
    return ServerFailed("died", message, final=False)


def last_error(log: str) -> str:
    """The last line that says what went wrong; empty when there is none."""
    lines = [PREFIX.sub("", line, count=1).strip() for line in log.splitlines()]
    errors = [line for line in lines if ERROR.match(line)]
    telling = [line for line in errors if not EMPTY_ERRORS.search(line)]
    return shorten((telling or errors or [""])[-1])
