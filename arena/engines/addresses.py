"""Base URLs and IP addresses: how they are read, and which addresses belong to the public internet. Pure."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # as the last label it makes the whole host a number, an IPv4 address

# What is never the public internet, whatever this Python's own list says: it lags behind IANA's registries.
CLOSED = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and a cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host, at an address that looks public
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocols' own; Teredo is unwrapped before
        "2001:db8::/32",
        "3fff::/20",
    )
)
UNICAST = IPv6Network("2000::/3")  # the only part of IPv6 that has been given out to the public
TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64


def read_url(text: str) -> URL:
    """A base URL whose host can be one. Raises ValueError with a sentence that says what is wrong."""
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f\\]+", text):
        raise ValueError("The base URL may hold no spaces, backslashes or control characters.")
    try:
        url = URL(text)
    except ValueError:  # not the cause of ours: it may quote a key that was put into the URL
        raise ValueError("The base URL is not an address; check it for typing errors.") from None
    if url.scheme not in ("http", "https") or not url.raw_host or not url.port:
        raise ValueError("The base URL must begin with http:// or https:// and name a host (and port).")
    authority = text.split("/")[2]
    if "@" in authority or "?" in text or "#" in text:
        raise ValueError("The base URL may hold no user, query or fragment; a key belongs in its own field.")
    _check_host(url.raw_host, bracketed=authority.startswith("["))
    return url


def _check_host(host: str, bracketed: bool) -> None:
    if bracketed or ":" in host:
        if read_address(host) is None:
            raise ValueError("The base URL's host is not an IPv6 address; write it as in [2001:db8::1].")
    elif is_number(host):
        if read_address(host) is None:
            raise ValueError("The base URL's host is a number; write an IPv4 address as four, 192.0.2.1.")
    elif not NAME.fullmatch(host.removesuffix(".")):
        raise ValueError("The base URL's host is not a host name; check it for typing errors.")


def is_number(host: str) -> bool:
    """Whether system calls may take a host for an IPv4 address, in whatever spelling (127.1, 0x7f000001)."""
    return NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def read_address(text: str) -> Address | None:
    """An IP address in its plain spelling, without a zone; None for anything else."""
    if not text.isascii() or "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address, and every address wrapped in it, belongs to the public internet."""
    if wrapped := _wrapped(address):
        return all(is_public(inner) for inner in wrapped)
    if isinstance(address, IPv6Address) and address not in UNICAST:
        return False
    if any(address in network for network in CLOSED if network.version == address.version):
        return False
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not odd


def _wrapped(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses to which an IPv6 address leads: mapped, 6to4, NAT64, or Teredo's two."""
    if isinstance(address, IPv4Address):
        return ()
    if address in TRANSLATED:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.teredo:
        return address.teredo
    inner = address.ipv4_mapped or address.sixtofour
    return (inner,) if inner else ()
