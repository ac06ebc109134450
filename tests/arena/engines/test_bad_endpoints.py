"""What endpoints do wrong, each through the real engine on a real server: one clear error, and no more."""

import random
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager

import pytest

from arena.engines import ENGINES, Message, Request
from tests.certificates import authority, server_context, sign
from tests.servers import bomb, echo, running_server

DEADLINE = 4.0


@pytest.fixture
def server():
    with running_server(reply=echo) as running:
        yield running


def ask(base_url, model="judge", **options):
    """The one completion of one request; it ends within the deadline, and no thread stays."""
    settings = {
        "deadline": DEADLINE,
        "backoff": 0.01,
        "rng": random.Random(1),
        "max_response_bytes": 1_000_000,
    }
    engine = ENGINES["openai"](base_url=base_url, model=model, **{**settings, **options})
    begun = time.monotonic()
    (completion,) = engine.stream([Request("k", (Message("user", "?"),))])
    # A bound on hanging: the deadline, and 5 s of grace for a busy machine.
    assert time.monotonic() - begun < engine.deadline + 5
    assert not [thread for thread in threading.enumerate() if thread.name == "engine-openai"]
    return completion


def check(completion, code, final, words):
    error = completion.error
    assert (completion.text, error.code, error.final) == (None, code, final), error
    assert words in error.message
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("model", "code", "final", "words", "asked"),
    [
        ("status:401", "unauthorized", True, "check the key", 1),
        ("status:404", "not_found", True, "does not know the address or the model", 1),
        ("limited:600", "rate_limited", False, "asks for fewer requests", 1),
        ("fails", "server_error", False, "look at that server's log", 3),
        ("html", "bad_response", False, "check that the base URL is the API's (…/v1)", 1),
        ("nothing", "empty", False, "empty response", 1),
        ("no-choices", "bad_response", False, "empty choices", 1),
        ("no-content", "bad_response", False, "raise max_tokens", 1),
        ("deep", "bad_response", False, "JSON", 1),
        ("truncated", "bad_response", False, "cut off", 1),
        ("cut", "connection_lost", False, "before its answer was complete", 3),
        ("chunks-cut", "connection_lost", False, "before its answer was complete", 3),
        ("stream-cut", "bad_response", False, "cut off", 1),
        ("hang-up", "connection_lost", False, "before its answer was complete", 3),
        ("huge", "too_large", True, "more than 1,000,000 bytes", 1),
        ("gzip", "bad_response", True, "compresses its responses", 1),
        ("bomb", "bad_response", True, "compresses its responses", 1),
        ("hidden-bomb", "bad_response", False, "JSON", 1),
        ("coded-bomb", "bad_response", False, "JSON", 1),
        ("headers", "bad_response", False, "does not speak HTTP", 1),
        ("long-header", "bad_response", False, "does not speak HTTP", 1),
        ("not-http", "bad_response", False, "does not speak HTTP", 1),
    ],
)
def test_one_clear_error(server, model, code, final, words, asked):
    check(ask(server.base_url, model, attempts=3), code, final, words)
    assert len(server.bodies) == asked


@pytest.mark.parametrize("model", ["hang", "drip", "continues"])
def test_slow_ones_end_with_the_deadline(server, model):
    check(ask(server.base_url, model, deadline=0.7), "timeout", False, "no complete answer in time")


def test_a_long_wait_is_the_callers(server):
    assert ask(server.base_url, "limited:600").error.retry_after == 600.0


@pytest.mark.parametrize("model", ["huge", "bomb", "hidden-bomb", "coded-bomb", "headers", "trailers"])
def test_none_of_them_fills_the_memory(server, model):
    bomb()  # made before, and kept
    tracemalloc.start()
    try:
        ask(server.base_url, model, deadline=2, attempts=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * 1024 * 1024  # a tenth of what the bombs hold; responses may have 1 MB


def test_no_redirect_is_followed(server):
    with running_server() as elsewhere:
        server.elsewhere = elsewhere.base_url + "/chat/completions"
        check(ask(server.base_url, "status:307"), "bad_response", True, "307")
        assert (elsewhere.connections, len(server.bodies)) == (0, 1)


def test_an_early_refusal_is_read_while_the_request_is_still_sent():
    with listening(lambda peer: peer.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")) as url:
        engine = ENGINES["openai"](base_url=url, model="m", deadline=DEADLINE)
        (got,) = engine.stream([Request("k", (Message("user", "x" * 20_000_000),))])
    check(got, "bad_request", True, "length of the prompt")


class TestTLS:
    @pytest.fixture
    def trusted(self, tmp_path, monkeypatch):
        """The test authority, trusted by this machine."""
        path = tmp_path / "authority.pem"
        path.write_bytes(authority().pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))

    def ask_tls(self, tmp_path, signed, host="127.0.0.1"):
        with running_server(reply=echo, tls=server_context(tmp_path, signed)) as server:
            got = ask(server.base_url.replace("127.0.0.1", host))
            return got, server

    def test_a_good_certificate_is_fine(self, tmp_path, trusted):
        got, _ = self.ask_tls(tmp_path, sign("127.0.0.1", by=authority()))
        assert (got.text, got.error) == ("?", None)

    @pytest.mark.parametrize(
        ("signed", "words"),
        [
            (lambda: sign("127.0.0.1"), "signed by itself"),
            (lambda: sign("127.0.0.2", by=authority()), "another address"),
            (lambda: sign("127.0.0.1", by=authority(), expired=True), "expired"),
            (lambda: sign("127.0.0.1", by=sign("Nobody", is_authority=True)), "not trusted"),
        ],
    )
    def test_a_bad_certificate_is_final(self, tmp_path, trusted, signed, words):
        got, server = self.ask_tls(tmp_path, signed())
        check(got, "bad_certificate", True, words)
        assert server.bodies == []

    def test_a_certificate_for_another_name(self, tmp_path, trusted):
        got, _ = self.ask_tls(tmp_path, sign("example.org", by=authority()), host="localhost")
        check(got, "bad_certificate", True, "another name")

    def test_plain_http_spoken_to_https(self, server):
        got = ask(server.base_url.replace("http://", "https://"), attempts=2)
        check(got, "unreachable", False, "write http:// instead")
        assert server.bodies == []

    def test_https_spoken_to_plain_http(self, tmp_path):
        with running_server(tls=server_context(tmp_path, sign("127.0.0.1"))) as server:
            got = ask(server.base_url.replace("https://", "http://"), attempts=1)
        assert got.error.code in ("bad_response", "connection_lost")  # as its library ends the handshake
        assert not got.error.final

    def test_a_handshake_that_never_ends(self):
        with listening(lambda peer: None) as url:
            check(ask(url.replace("http://", "https://"), deadline=0.7), "timeout", False, "in time")


def test_nobody_listens(server):
    server.close()
    check(ask(server.base_url, attempts=2), "unreachable", False, "(Connection refused)")


def test_a_name_that_does_not_exist():
    # RFC 6761: no name under .invalid exists.
    check(ask("http://nowhere.invalid/v1", attempts=1), "unreachable", False, "no address")


@contextmanager
def listening(act):
    """The base URL of a socket that takes connections, does `act` with each and then keeps silent."""
    peers = []

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peers.append(peer)
            act(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for peer in peers:
        peer.close()
