"""Where strangers' endpoints may lead: to the public internet, and to what the operator allows. Pure."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_network

from arena.engines.addresses import NAME, Address, Network, is_number, is_public, read_address, read_url

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]  # host, port -> IP addresses


class Forbidden(OSError):
    """A connection that the guard refuses; an OSError, so that HTTP clients treat it as one that failed."""


@dataclass(frozen=True)
class Allowed:
    """One entry of an allow-list: a name, or a network (an address is a network of one), and maybe a port."""

    place: str | Network
    port: int | None = None

    @property
    def is_network(self) -> bool:
        return not isinstance(self.place, str)

    def covers(self, host: str, port: int, address: Address | None) -> bool:
        if self.port not in (None, port):
            return False
        if isinstance(self.place, str):
            return self.place == _plain(host)
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        return address is not None and address.version == self.place.version and address in self.place


async def resolve_by_system(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine finds them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True)
class Guard:
    """A client with a guard connects to public addresses alone, and to what `allowed` names.

    Names on the list may lead to private addresses. The name is resolved once a connection, every address
    that comes back is checked, and the connection goes to one of these; so a name server that changes its
    mind gains nothing. `resolve` finds the addresses of a host.
    """

    allowed: tuple[Allowed, ...] = ()
    resolve: Resolve = field(default=resolve_by_system, repr=False)

    def check_url(self, url: str) -> None:
        """Raises ValueError, with a sentence for the one who wrote it, for a URL that can never be allowed.

        Asks no name server: what a name leads to is checked with each connection.
        """
        read = read_url(url)
        host, port = read.raw_host or "", read.port or 0
        address = read_address(host)
        if any(entry.covers(host, port, address) for entry in self.allowed):
            return
        name = _plain(host)
        local = "." not in name or name.endswith(".localhost")
        if address is None and local and not any(entry.is_network for entry in self.allowed):
            raise ValueError(f"{name} is a name of a private network; use a public one, with its domain.")
        if address is not None and not is_public(address):
            hint = "use a public address, or ask the operator of this arena to allow it."
            raise ValueError(f"{address} is a private or reserved address; {hint}")

    async def find(self, host: str, port: int) -> list[str]:
        """The addresses of a host. Raises Forbidden when any of them is not permitted, OSError for none."""
        found = list(dict.fromkeys(await self.resolve(host, port)))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no addresses")
        if not all(self.permits(host, port, address) for address in found):
            raise Forbidden
        return found

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether a connection for `host` may go to this address and port."""
        read = read_address(address)
        if read is None:
            return False
        return is_public(read) or any(entry.covers(host, port, read) for entry in self.allowed)


def parse_allowed(text: str) -> tuple[Allowed, ...]:
    """An allow-list from words such as `127.0.0.1:8001, 10.0.0.0/8, llm.lan, [fd00::/8]:8000`.

    Raises ValueError with a sentence that names the bad entry.
    """
    return tuple(_parse_entry(entry.strip()) for entry in text.split(",") if entry.strip())


def _parse_entry(entry: str) -> Allowed:
    place, port = _split_port(entry)
    if "/" in place or ":" in place or is_number(place):
        try:
            network = ip_network(place)
        except ValueError:
            network = None
        if network is None or "%" in place:
            hint = "write an address as 10.0.0.7, a network as 10.0.0.0/8 or [fd00::/8], its host bits zero"
            raise ValueError(f"{entry!r} is no address or network: {hint}.")
        return Allowed(network, port)
    name = _plain(place)
    if not NAME.fullmatch(name):
        hint = "write a host's name alone, such as llm.lan or llm.lan:8000, without http:// or wildcards"
        raise ValueError(f"{entry!r} is no name: {hint}.")
    return Allowed(name, port)


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        place, bracket, rest = entry[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        well_formed = bracket and colon in ("", ":")
    elif entry.count(":") > 1:  # an IPv6 address or network by itself
        return entry, None
    else:
        place, colon, port = entry.partition(":")
        well_formed = "://" not in entry
    if well_formed and not colon:
        return place, None
    if well_formed and port.isascii() and port.isdecimal() and 0 < int(port) < 65536:
        return place, int(port)
    raise ValueError(f"{entry!r} is no entry: write host, host:port or [IPv6 address]:port, without http://.")


def _plain(host: str) -> str:
    return host.removesuffix(".").lower()
