"""Connections to one server: how they are opened, and what a failed one says in plain words."""

import os
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from arena.engines.base import LOST
from arena.engines.guard import Forbidden, Guard
from arena.engines.replies import Refused, refuse

IDLE_SECONDS = 2.0  # that a connection waits for its next request
CONNECT_SECONDS = 10.0
LONGEST_HEADER = 8 * 1024  # bytes of one header line, and of the status line
MOST_HEADERS = 100

# What else than a timeout a request can end in.
FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError)

CERTIFICATE_FAULTS = {  # OpenSSL's verify codes
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by itself, not by an authority",
    19: "ends in an authority that is not trusted here",
    20: "comes without its chain, or from an authority that is not trusted here",
    21: "comes without its chain, or from an authority that is not trusted here",
    62: "was made for another name",
    64: "was made for another address",
}


def open_session(url: URL, *, api_key: str, concurrency: int, guard: Guard | None) -> aiohttp.ClientSession:
    """Connections to the server of `url`: no redirect, no proxy from the environment, no cookies."""
    headers = {"content-type": "application/json", "accept": "application/json", "user-agent": "arena"}
    # Without compression the cap on bytes is a cap on memory: there is no bomb to unpack.
    headers["accept-encoding"] = "identity"
    if api_key:
        headers["authorization"] = f"Bearer {api_key}"
    guarded: dict[str, Any] = {}
    if guard:
        # No cache of names: each new connection is checked anew.
        gate = _Gate(guard, url)
        guarded = {"resolver": gate, "socket_factory": gate.open_socket, "use_dns_cache": False}
    connector = aiohttp.TCPConnector(
        limit=concurrency,
        # Servers close what is idle, uvicorn after 5 s: a request sent at that moment would be lost.
        keepalive_timeout=IDLE_SECONDS,
        ssl=_trust() if url.scheme == "https" else True,
        **guarded,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        # Time limits on reading are per read, so that a drip of bytes escapes them; the deadline holds.
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
    )


def _trust() -> ssl.SSLContext:
    """The machine's own authorities, or those that SSL_CERT_FILE and SSL_CERT_DIR name."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Gate(AbstractResolver):
    """A guard at both doors that lead to a connection.

    Names come by `resolve`, and every address, literals included, by `open_socket`.
    """

    def __init__(self, guard: Guard, url: URL) -> None:
        self.guard = guard
        self.host, self.port = url.raw_host or "", url.port or 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self.guard.find(host, port)
        ]

    def open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if address[1] != self.port or not self.guard.permits(self.host, self.port, str(address[0])):
            raise Forbidden
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Nothing is held open."""


def read_failure(error: Exception, host: str) -> Refused:
    """What a failed request says, in words that do not tell where a name led."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _bad_certificate(error.certificate_error, host)
    if isinstance(error, aiohttp.ClientSSLError):
        hint = "if that server has no TLS, write http:// instead of https://."
        return refuse("unreachable", f"{host} does not speak TLS as expected; {hint}", again=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _no_connection(error, host)
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        hint = "check the address, the port, and whether it wants https://."
        return refuse("bad_response", f"{host} does not speak HTTP as expected; {hint}")
    hint = "look at that server's log."
    message = f"{host} closed the connection before its answer was complete; {hint}"
    return refuse(LOST, message, again=True)


def _bad_certificate(error: Exception, host: str) -> Refused:
    code = getattr(error, "verify_code", 0)
    fault = CERTIFICATE_FAULTS.get(code, "could not be verified")
    hint = "install a full chain from a public authority for this name there."
    return refuse("bad_certificate", f"The certificate of {host} {fault}; {hint}", final=True)


def _no_connection(error: aiohttp.ClientConnectorError, host: str) -> Refused:
    cause = error.os_error
    if isinstance(cause, Forbidden):
        hint = "use a public address, or ask the operator of this arena to allow it."
        message = f"{host} leads to a private or reserved address, which this arena does not ask; {hint}"
        return refuse("forbidden_address", message, final=True)
    if isinstance(cause, socket.gaierror):
        message = f"There is no address for {host}; check the name's spelling."
        return refuse("unreachable", message, again=True)
    # The words of the errno alone: an exception's own name the address.
    reason = f" ({os.strerror(cause.errno)})" if cause.errno else ""
    message = f"{host} takes no connection{reason}; check the address and that the server runs."
    return refuse("unreachable", message, again=True)
