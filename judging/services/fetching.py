"""One small public file over HTTPS, as a command fetches it."""

import ssl
import time
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

MOST_BYTES = 4 * 1024 * 1024
SILENCE, DEADLINE = 20.0, 60.0  # seconds: of one wait, of the whole


class NotFetched(ValueError):
    """A file did not come; the message says why, in a sentence."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs) -> None:
        """A pinned file has one address."""


def fetch(url: str) -> bytes:
    """The file at an https address, at most 4 MiB. Raises NotFetched."""
    if not url.startswith("https://"):
        raise NotFetched(f"{url} is not an https address.")
    begun, content = time.monotonic(), bytearray()
    try:
        with _opener().open(url, timeout=SILENCE) as response:
            while piece := response.read(64 * 1024):
                content += piece
                if len(content) > MOST_BYTES:
                    raise NotFetched(f"{url} is larger than {MOST_BYTES:,} bytes.")
                if time.monotonic() - begun > DEADLINE:
                    raise NotFetched(f"{url} did not come in {DEADLINE:g} s.")
    except HTTPError as error:
        raise NotFetched(f"{url} was answered with status {error.code}.") from error
    except URLError as error:
        raise NotFetched(f"{url} cannot be reached: {_reason(error.reason)}.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, NotFetched):
            raise
        raise NotFetched(f"{url} cannot be reached: {_reason(error)}.") from error
    return bytes(content)


def _opener() -> OpenerDirector:
    """HTTPS alone: trusted by the machine's authorities, through the environment's proxy if it names one."""
    return build_opener(ProxyHandler(), HTTPSHandler(context=ssl.create_default_context()), _NoRedirect())


def _reason(cause: object) -> str:
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.rstrip(".")
    return str(cause).rstrip(".") or type(cause).__name__
