from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.engines.addresses import CLOSED, is_public, read_url


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "192.0.1.0",  # one after 192.0.0.0/24
        "100.128.0.0",  # one after 100.64.0.0/10
        "223.255.255.255",  # one before multicast
        "2606:4700:4700::1111",
        "2a00::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",  # 6to4 of 8.8.8.8
        "2001:0:808:808:0:0:f7f7:f7f7",  # Teredo: server 8.8.8.8, client 8.8.8.8 with its bits turned
    ],
)
def test_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",  # metadata of a cloud
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",  # host of a cloud
        "169.254.169.254",  # metadata of most clouds
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",  # metadata of a cloud
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # IPv4-compatible 127.0.0.1
        "::ffff:0:7f00:1",  # IPv4-translated 127.0.0.1
        "64:ff9b:1::7f00:1",  # NAT64 of a local network
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",  # Teredo: server 0.0.0.0
        "2001:0:7f00:1:0:0:f7f7:f7f7",  # Teredo: server 127.0.0.1, client 8.8.8.8
        "2001:db8::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",  # metadata of a cloud
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_not_public(address):
    assert not is_public(ip_address(address))


@st.composite
def closed_ipv4(draw):
    network = draw(st.sampled_from([network for network in CLOSED if network.version == 4]))
    return network[draw(st.integers(0, network.num_addresses - 1))]


@given(closed_ipv4(), st.integers(0, 2**80 - 1))
def test_what_is_closed_stays_closed_when_it_is_wrapped(address, rest):
    inner = int(address)
    turned = inner ^ 0xFFFFFFFF
    public = int(IPv4Address("8.8.8.8"))
    wrapped = [
        0xFFFF << 32 | inner,  # mapped
        0x64FF9B << 96 | inner,  # NAT64
        0x2002 << 112 | inner << 80 | rest,  # 6to4
        0x20010000 << 96 | public << 64 | turned,  # Teredo, as the client
        0x20010000 << 96 | inner << 64 | public,  # Teredo, as the server
    ]
    assert not any(is_public(IPv6Address(number)) for number in wrapped)
    assert not is_public(address)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://localhost:8000/v1", "localhost", 8000),
        ("https://API.Example.org/v1/", "api.example.org", 443),
        ("http://my_model-2.example.org.", "my_model-2.example.org.", 80),
        ("http://[2001:DB8::1]:9000/v1", "2001:db8::1", 9000),
        ("https://münchen.example/v1", "xn--mnchen-3ya.example", 443),
    ],
)
def test_good_urls(text, host, port):
    url = read_url(text)
    assert (url.raw_host, url.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no spaces"),
        (" http://host", "no spaces"),
        ("http://host\r\nx: y", "no spaces"),
        ("http://host\\@other", "backslashes"),
        ("host:8000/v1", "begin with http"),
        ("ftp://host/", "begin with http"),
        ("unix:///run/docker.sock", "begin with http"),
        ("http+unix://run/v1", "begin with http"),
        ("http:///v1", "begin with http"),
        ("http://host:0/v1", "begin with http"),
        ("http://host:65536/v1", "not an address"),
        ("http://host:x/v1", "not an address"),
        ("http://[::1/v1", "not an address"),
        ("http://user@host/v1", "no user"),
        ("http://user:pass@host/v1", "no user"),
        ("http://@host/v1", "no user"),
        ("http://host/v1?", "no user, query"),
        ("http://host/v1#", "no user, query"),
        ("http://[fe80::1%25eth0]/v1", "not an IPv6 address"),
        ("http://2130706433/v1", "is a number"),
        ("http://127.1/v1", "is a number"),
        ("http://127.0.0.1./v1", "is a number"),
        ("http://1.2.3.4.5/v1", "is a number"),
        ("http://a.0x7f/v1", "is a number"),
        ("http://%31%32%37.0.0.1/v1", "is a number"),
        ("http://host%00.example/v1", "not a host name"),
        ("http://two..dots/v1", "not a host name"),
        ("http://example.org../v1", "not a host name"),
        ("http://-a.example/v1", "not a host name"),
        (f"http://{'a' * 64}.example/v1", "not a host name"),
        (f"http://{'a.' * 127}example/v1", "not a host name"),
        ("http://[v1.x]/v1", "not an IPv6 address"),
        ("http://[127.0.0.1]/v1", "not a"),
    ],
)
def test_bad_urls(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_url(text)
    assert str(caught.value).endswith(".")
