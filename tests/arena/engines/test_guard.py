"""Endpoints of strangers: where the engine does not go, and that it goes nowhere else."""

import asyncio
import time
from ipaddress import ip_network

import pytest

from arena.engines import ENGINES, Guard, Message, Request, parse_allowed
from arena.engines.guard import Allowed
from tests.certificates import authority, server_context, sign
from tests.servers import echo, running_server


@pytest.fixture
def server():
    with running_server(reply=echo) as running:
        yield running


class Names:
    """A name server: the answers to the first, second, ... question; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, host, port):
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ask(base_url, guard, model="judge", count=1, **options):
    settings = {"concurrency": 1, "deadline": 5.0, "attempts": 1, **options}
    engine = ENGINES["openai"](base_url=base_url, model=model, guard=guard, **settings)
    return list(engine.stream([Request(f"k{number}", (Message("user", "?"),)) for number in range(count)]))


def assert_forbidden(completion):
    error = completion.error
    assert (completion.text, error.code, error.final) == (None, "forbidden_address", True)
    assert "ask the operator" in error.message
    assert error.message.endswith(".")


# Where strangers point an arena. PORT is that of a server on loopback, which must not notice anything.
LITERALS = [
    "http://127.0.0.1:PORT/v1",
    "http://127.0.0.2:PORT/v1",
    "http://0.0.0.0:PORT/v1",
    "http://[::1]:PORT/v1",
    "http://[::]:PORT/v1",
    "http://[0:0:0:0:0:0:0:1]:PORT/v1",
    "http://[::ffff:127.0.0.1]:PORT/v1",
    "http://[::ffff:7f00:1]:PORT/v1",
    "http://[::127.0.0.1]:PORT/v1",
    "http://[::ffff:0:127.0.0.1]:PORT/v1",
    "http://[2002:7f00:1::1]:PORT/v1",
    "http://[64:ff9b::127.0.0.1]:PORT/v1",
    "http://[64:ff9b:1::127.0.0.1]:PORT/v1",
    "http://[2001:0:808:808::80ff:fffe]:PORT/v1",
    "http://169.254.169.254/latest",
    "http://[fd00:ec2::254]/latest",
    "http://[::ffff:169.254.169.254]/latest",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/latest",
    "http://192.0.0.192/latest",
    "http://10.0.0.1/v1",
    "http://172.16.0.1/v1",
    "http://192.168.0.1/v1",
    "http://100.64.0.1/v1",
    "http://198.18.0.1/v1",
    "http://192.0.0.8/v1",
    "http://240.0.0.1/v1",
    "http://255.255.255.255/v1",
    "http://224.0.0.1/v1",
    "http://[ff02::1]/v1",
    "http://[fe80::1]/v1",
    "http://[fc00::1]/v1",
    "http://１２７.0.0.1:PORT/v1",
    "http://①②⑦.⓪.⓪.①:PORT/v1",
    "http://127。0。0。1:PORT/v1",
    "http://127．0．0．1:PORT/v1",
]
SPELLINGS = [
    "http://2130706433:PORT/v1",
    "http://0x7f000001:PORT/v1",
    "http://0x7f.0.0.1:PORT/v1",
    "http://017700000001:PORT/v1",
    "http://0177.0.0.1:PORT/v1",
    "http://127.1:PORT/v1",
    "http://127.0.1:PORT/v1",
    "http://0:PORT/v1",
    "http://127.0.0.1.:PORT/v1",
    "http://[fe80::1%25lo]:PORT/v1",
    "http://[fe80::1%lo]:PORT/v1",
    "http://%31%32%37.0.0.1:PORT/v1",
    "http://127.0.0.1%00.example.org:PORT/v1",
    "http://127.0.0.1%2f.example.org:PORT/v1",
    "http://example.org@127.0.0.1:PORT/v1",
    "http://example.org:80@127.0.0.1:PORT/v1",
    "http://127.0.0.1:PORT\\@example.org/v1",
    "http://127.0.0.1:PORT\t/v1",
    "http://127.0.0.1:PORT/v1#@example.org",
    "http+unix://%2Frun%2Fdocker.sock/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/1",
]


@pytest.mark.parametrize("url", LITERALS)
def test_a_hostile_address_is_not_asked(server, url):
    url = url.replace("PORT", str(server.port))
    (got,) = ask(url, Guard())
    assert_forbidden(got)
    assert server.connections == 0
    with pytest.raises(ValueError, match="private or reserved"):
        Guard().check_url(url)


@pytest.mark.parametrize("url", SPELLINGS)
def test_an_odd_spelling_is_no_base_url(server, url):
    url = url.replace("PORT", str(server.port))
    with pytest.raises(ValueError, match="base URL"):
        Guard().check_url(url)
    with pytest.raises(ValueError, match="base URL"):
        ask(url, Guard())
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127。0。0。1"])
def test_without_a_guard_the_same_addresses_answer(server, host):
    (got,) = ask(f"http://{host}:{server.port}/v1", None)
    assert got.text == "?"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"])
def test_a_name_of_this_machine_is_not_asked(server, host):
    url = f"http://{host}:{server.port}/v1"
    (got,) = ask(url, Guard())
    assert_forbidden(got)
    assert server.connections == 0
    with pytest.raises(ValueError, match="private network"):
        Guard().check_url(url)


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],  # one bad address among good ones
        ["127.0.0.1", "8.8.8.8"],
        ["fe80::1%lo"],
        ["nonsense"],
    ],
)
def test_a_name_that_leads_inside_is_not_asked_and_not_told(server, answer):
    names = Names(answer)
    (got,) = ask(f"http://model.example:{server.port}/v1", Guard(resolve=names), attempts=3)
    assert_forbidden(got)
    assert not any(address in got.error.message for address in answer)
    assert names.asked == [("model.example", server.port)]
    assert server.connections == 0


def test_a_name_without_addresses_is_unreachable():
    (got,) = ask("http://model.example/v1", Guard(resolve=Names([])))
    assert (got.error.code, got.error.final) == ("unreachable", False)


def test_a_name_server_that_changes_its_mind(server):
    # The first answer is allowed. Each connection ends after one response, so that the second asks anew.
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    guard = Guard(parse_allowed(f"127.0.0.1:{server.port}"), resolve=names)
    good, bad = ask(f"http://model.example:{server.port}/v1", guard, "once", count=2)
    assert good.text == "?"
    assert_forbidden(bad)
    assert (len(names.asked), server.connections) == (2, 1)


def test_one_connection_asks_for_its_name_once(server):
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    guard = Guard(parse_allowed(f"127.0.0.1:{server.port}"), resolve=names)
    got = ask(f"http://model.example:{server.port}/v1", guard, count=5)
    assert [completion.text for completion in got] == ["?"] * 5
    assert (len(names.asked), server.connections) == (1, 1)


def test_a_redirect_to_a_private_address_is_not_followed(server):
    with running_server() as inside:
        server.elsewhere = inside.base_url + "/chat/completions"
        for status in (301, 302, 303, 307, 308):
            (got,) = ask(
                server.base_url, Guard(parse_allowed(f"127.0.0.1:{server.port}")), f"status:{status}"
            )
            assert (got.error.code, got.error.final) == ("bad_response", True)
            assert inside.base_url not in got.error.message
        assert inside.connections == 0


def test_the_environment_names_no_proxy(server, monkeypatch):
    with running_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        (got,) = ask(server.base_url, Guard())
        assert_forbidden(got)
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("127.0.0.1:PORT", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8:PORT", "model.example"),
        ("model.example", "model.example"),
        ("Model.Example.:PORT", "MODEL.example."),
    ],
)
def test_what_the_operator_allows_is_asked(server, allowed, host):
    guard = Guard(parse_allowed(allowed.replace("PORT", str(server.port))), resolve=Names(["127.0.0.1"]))
    url = f"http://{host}:{server.port}/v1"
    guard.check_url(url)
    (got,) = ask(url, guard)
    assert (got.text, got.error) == ("?", None)


@pytest.mark.parametrize(
    "allowed", ["127.0.0.1:1", "127.0.0.2", "10.0.0.0/8", "other.example", "model.example:1"]
)
def test_what_the_operator_did_not_allow_stays_closed(server, allowed):
    guard = Guard(parse_allowed(allowed), resolve=Names(["127.0.0.1"]))
    for host in ("127.0.0.1", "model.example"):
        (got,) = ask(f"http://{host}:{server.port}/v1", guard)
        assert_forbidden(got)
    assert server.connections == 0


class TestTLS:
    @pytest.fixture(autouse=True)
    def trusted(self, tmp_path, monkeypatch):
        path = tmp_path / "authority.pem"
        path.write_bytes(authority().pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    def ask_by_name(self, tmp_path, name):
        context = server_context(tmp_path, sign(name, by=authority()))
        shown = []
        context.sni_callback = lambda connection, name, context: shown.append(name)
        with running_server(reply=echo, tls=context) as server:
            guard = Guard(parse_allowed("model.example"), resolve=Names(["127.0.0.1"]))
            (got,) = ask(f"https://model.example:{server.port}/v1", guard)
        return got, shown

    def test_the_name_is_what_the_certificate_must_show(self, tmp_path):
        got, shown = self.ask_by_name(tmp_path, "model.example")
        assert (got.text, shown) == ("?", ["model.example"])

    def test_the_address_connected_to_is_not_enough(self, tmp_path):
        got, _ = self.ask_by_name(tmp_path, "127.0.0.1")
        assert (got.error.code, got.error.final) == ("bad_certificate", True)


def test_closing_does_not_wait_for_a_name_server():
    async def silent(host, port):
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 8)

    begun = time.monotonic()
    (got,) = ask("http://model.example/v1", Guard(resolve=silent), deadline=0.3)
    assert got.error.code == "timeout"
    assert time.monotonic() - begun < 6  # of the 8 that the thread sleeps


@pytest.mark.parametrize(
    "url", ["https://api.example.org/v1", "http://8.8.8.8:8000/v1", "http://[2a00::1]/v1"]
)
def test_public_urls_are_fine(url):
    Guard().check_url(url)


def test_a_mapped_address_is_allowed_as_the_one_it_maps():
    guard = Guard(parse_allowed("127.0.0.0/8:8000"))
    assert guard.permits("x", 8000, "::ffff:127.0.0.1")
    assert not guard.permits("x", 8001, "::ffff:127.0.0.1")
    assert not guard.permits("x", 8000, "64:ff9b::127.0.0.1")


@pytest.mark.parametrize("host", ["localhost.", "api.localhost", "gpu01"])
def test_a_local_name_is_told_at_once(host):
    with pytest.raises(ValueError, match="private network"):
        Guard().check_url(f"http://{host}:8000/v1")


def test_a_local_name_may_lead_into_an_allowed_network():
    Guard(parse_allowed("10.0.0.0/8")).check_url("http://gpu01:8000/v1")


def test_an_allow_list_is_read():
    assert parse_allowed("127.0.0.1:8001, 10.0.0.0/8,llm.lan ,, [fd00::/8]:8000, ::1, LLM2.lan.:80") == (
        Allowed(ip_network("127.0.0.1/32"), 8001),
        Allowed(ip_network("10.0.0.0/8")),
        Allowed("llm.lan"),
        Allowed(ip_network("fd00::/8"), 8000),
        Allowed(ip_network("::1/128")),
        Allowed("llm2.lan", 80),
    )
    assert parse_allowed(" ") == ()


@pytest.mark.parametrize(
    "entry",
    [
        "http://llm.lan",
        "llm.lan:x",
        "llm.lan:0",
        "llm.lan:65536",
        "llm.lan:",
        "llm.lan:８０",
        "llm lan",
        "*.lan",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "127.1",
        "0x7f000001",
        "[::1",
        "[::1]8000",
        "fe80::1%eth0:80",
        "[llm.lan/8]",
        "user@llm.lan",
    ],
)
def test_a_bad_entry_is_named(entry):
    with pytest.raises(ValueError) as caught:
        parse_allowed(f"10.0.0.1, {entry}")
    assert repr(entry) in str(caught.value)
    assert str(caught.value).endswith(".")
