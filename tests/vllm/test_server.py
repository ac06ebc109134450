"""Real vLLM with tiny models, in the interpreter that VLLM_PYTHON names (`make test-vllm`). No GPU is needed.

A start takes half a minute, so one server serves all tests that need one that works, and the failing starts
go on at once.
"""

import http.client
import json
import math
import socket
import time
from pathlib import Path

import psutil
import pytest

from arena.engines import ENGINES, Message, Request
from arena.engines.vllm import Launch, Server, ServerFailed
from arena.engines.vllm.processes import members
from tests import tiny_models

pytestmark = pytest.mark.vllm

QUICK = {"enforce_eager": True, "max_model_len": 2048, "dtype": "float32"}
START_LIMIT = 240


@pytest.fixture(scope="session")
def model(python, tmp_path_factory):
    return tiny_models.make_model(python, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def new_server(python, tmp_path_factory):
    def make(model: Path | str, **options):
        launch = Launch(str(model), options=QUICK | options)
        server = Server(launch, python=python, folder=folder, startup_seconds=START_LIMIT)
        made.append(server)
        return server

    made: list[Server] = []
    folder = tmp_path_factory.mktemp("servers")
    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def server(model, new_server):
    """A ready one, which lost its first port to another program while vLLM was being imported."""
    server = new_server(model)
    server.start()
    with socket.create_server(("127.0.0.1", server.port)) as other:
        while not server.is_ready():
            time.sleep(0.1)
        assert server.port != other.getsockname()[1]
    return server


def post(server, path, body, key=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key or server.api_key}"}
    connection.request("POST", path, json.dumps({"model": server.model_name} | body), headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text or "{}")


def ask(server, question="Which is better?", **sampling):
    engine = ENGINES["openai"](base_url=server.base_url, model=server.model_name, api_key=server.api_key)
    settings = {"max_tokens": 12, "temperature": 0} | sampling
    (completion,) = engine.stream([Request("k", (Message("user", question),), settings)])
    assert completion.error is None, completion.error
    return completion


def session_of(server):
    return max(int(path.stem) for path in server.folder.glob("[0-9]*.json"))


def test_it_answers_through_the_engine(server):
    completion = ask(server)
    assert completion.text
    assert (completion.model, completion.finish_reason, completion.tokens_out) == ("tiny", "length", 12)
    assert completion.fingerprint
    assert completion.text == ask(server).text  # greedy


def test_a_structured_choice_is_kept_to(server):
    """A random model says no verdict by itself."""
    choice = {"structured_outputs": {"choice": ["[[A]]", "[[B]]"]}}
    assert ask(server).text not in ("[[A]]", "[[B]]")
    texts = {ask(server, temperature=1, seed=seed, **choice).text for seed in range(20)}
    assert texts == {"[[A]]", "[[B]]"}  # one of them alone by chance: 2 * (1/2)**20 for a fair coin


def test_min_p_reaches_the_sampler(server):
    """At 1 only the likeliest token is left: every seed gives the greedy text."""
    greedy = ask(server).text
    assert {ask(server, temperature=1.5, min_p=1.0, seed=seed).text for seed in range(4)} == {greedy}
    assert {ask(server, temperature=1.5, seed=seed).text for seed in range(4)} != {greedy}


def check_greedy(logprobs, count):
    """Each token that came is the likeliest at its place, and no place has more than all probability."""
    assert len(logprobs) == count
    for token in logprobs:
        assert token.logprob == pytest.approx(token.top[0].logprob)
        assert 0 < sum(math.exp(other.logprob) for other in token.top) <= 1 + 1e-6


def test_raw_completions_give_log_probabilities(server):
    engine = ENGINES["openai"](base_url=server.base_url, model=server.model_name, api_key=server.api_key)
    # As ids, since two tokens of half a character have the same text.
    sampling = {"max_tokens": 3, "temperature": 0, "logprobs": 4, "return_tokens_as_token_ids": True}
    (completion,) = engine.stream([Request("k", (), sampling, prompt="Verdict: [[")])
    assert completion.error is None
    check_greedy(completion.logprobs, 3)


def test_chat_gives_log_probabilities(server):
    completion = ask(server, max_tokens=3, logprobs=True, top_logprobs=4)
    check_greedy(completion.logprobs, 3)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/completions", 401), ("/invocations", 404), ("/tokenize", 404), ("/metrics", 404)],
)
def test_nothing_is_served_without_the_key(server, path, status):
    assert post(server, path, {"prompt": "x", "max_tokens": 1}, key="guess")[0] == status


def test_it_listens_on_loopback_alone(server):
    pids = members(session_of(server))
    assert len(pids) >= 3  # keeper, API server, engine
    listening = [
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_an_engine_killed_in_mid_batch_ends_every_request_and_the_server(server):
    """The last test with this server."""
    session = session_of(server)
    core = next(pid for pid in members(session) if psutil.Process(pid).name().startswith("VLLM::Engine"))
    engine = ENGINES["openai"](
        base_url=server.base_url, model=server.model_name, api_key=server.api_key, attempts=1, concurrency=6
    )
    long = {"max_tokens": 1000, "ignore_eos": True, "temperature": 0}
    stream = engine.stream(Request(f"k{n}", (Message("user", "Go on."),), long) for n in range(60))
    assert next(stream).error is None
    psutil.Process(core).kill()
    errors = [completion.error for completion in stream]
    assert len(errors) == 59
    # Twice the concurrency may have been answered before the kill.
    assert sum(error is not None for error in errors) >= 59 - 12
    assert {error.code for error in errors if error} <= {"server_error", "connection_lost", "unreachable"}
    give_up = time.monotonic() + 60
    with pytest.raises(ServerFailed) as caught:  # noqa: PT012 -- until it is noticed
        while time.monotonic() < give_up:
            server.check()
            time.sleep(0.1)
    assert (caught.value.code, caught.value.final) == ("died", False)
    assert members(session) == []


@pytest.fixture(scope="module")
def failures(python, model, new_server, tmp_path_factory):
    """Starts that fail, at once: what each ended with."""
    folder = tmp_path_factory.mktemp("broken")
    servers = {
        "not there": new_server("nobody/no-such-model"),
        "architecture": new_server(tiny_models.with_unknown_architecture(model, folder / "unknown")),
        "cut weights": new_server(tiny_models.with_cut_weights(model, folder / "cut")),
        "length": new_server(model, max_model_len=999_999),
        "memory": new_server(model),
    }
    ended: dict[str, ServerFailed] = {}
    for name, server in servers.items():
        with pytest.MonkeyPatch.context() as patch:
            if name == "memory":
                patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1000000")  # GiB: refused without being tried
            server.start()
    while len(ended) < len(servers):
        for name in set(servers) - set(ended):
            try:
                assert not servers[name].is_ready()
            except ServerFailed as failure:
                ended[name] = failure
        time.sleep(0.1)
    return ended


@pytest.mark.parametrize(
    ("name", "code", "final", "part"),
    [
        ("not there", "no_such_model", False, "nobody/no-such-model is not on this host"),
        ("architecture", "unsupported_model", True, "the architecture 'FrobnicatorForCausalLM'"),
        ("cut weights", "unsupported_model", True, "cannot be read"),
        ("memory", "out_of_memory", True, "too small for the cache"),
        ("length", "bad_option", True, "max_model_len (999999) is greater"),
    ],
)
def test_a_failing_start_says_why_and_leaves_nothing(failures, new_server, name, code, final, part):
    failure = failures[name]
    assert (failure.code, failure.final) == (code, final), failure.message
    assert part in failure.message
    folder = str(new_server("x/y").folder)
    assert not [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == folder]


def test_weights_that_are_missing_or_pickled_are_refused_at_once(python, model, new_server, tmp_path):
    for broken in (
        tiny_models.without_weights(model, tmp_path / "without"),
        tiny_models.with_pickled_weights(python, model, tmp_path / "pickle"),
    ):
        with pytest.raises(ServerFailed, match="no weights in the safetensors format") as caught:
            new_server(broken).start()
        assert (caught.value.code, caught.value.final) == ("unsupported_model", True)
