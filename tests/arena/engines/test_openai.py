import json
import logging
import random
import threading
import time
import urllib.request
from itertools import islice

import pytest

from arena.engines import ENGINES, Alternative, Message, Request, TokenLogprob
from tests.servers import echo, running_server

KEY = "sk-canary-8d1f"
GRACE = 4.0  # seconds that a busy machine may take for what takes none


@pytest.fixture
def server():
    with running_server(reply=echo) as running:
        yield running


def engine(server, model="judge", **options):
    settings = {"concurrency": 4, "deadline": 5.0, "backoff": 0.01, "rng": random.Random(1)}
    return ENGINES["openai"](base_url=server.base_url, model=model, **{**settings, **options})


def requests(count, **sampling):
    for number in range(count):
        yield Request(f"k{number}", (Message("user", f"question {number}"),), sampling)


def ask(server, model="judge", **options):
    (completion,) = engine(server, model, **options).stream(requests(1))
    return completion


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name == "engine-openai"]


def test_a_good_answer_keeps_what_the_server_says_of_it(server):
    got = ask(server)
    assert (got.key, got.text, got.error) == ("k0", "question 0", None)
    # The constants of tests.servers.Handler.send_text.
    assert (got.model, got.fingerprint, got.finish_reason) == ("served-model", "fp_1", "stop")
    assert (got.tokens_in, got.tokens_out) == (11, 7)
    assert 0 < got.seconds < GRACE


def test_each_request_comes_back_once_with_its_own_text(server):
    got = list(engine(server).stream(requests(100)))
    assert {c.key: c.text for c in got} == {f"k{n}": f"question {n}" for n in range(100)}
    assert len(got) == 100
    assert engine_threads() == []


def test_the_body_holds_messages_and_sampling_and_the_request_goes_first(server):
    turns = (Message("system", "Rules"), Message("user", "Frage: ü 😀"))
    request = Request("k", turns, {"temperature": 0, "stop": ["x"], "model": "other", "stream": True})
    list(engine(server, sampling={"temperature": 1, "seed": 7}).stream([request]))
    assert server.bodies == [
        {
            "model": "judge",
            "messages": [{"role": "system", "content": "Rules"}, {"role": "user", "content": "Frage: ü 😀"}],
            "temperature": 0,  # the request's, not the engine's
            "seed": 7,
            "stop": ["x"],
            "stream": False,
        }
    ]


@pytest.mark.parametrize(("key", "header"), [(KEY, f"Bearer {KEY}"), ("", None)])
def test_the_key_is_sent_as_bearer_or_not_at_all(server, key, header):
    ask(server, api_key=key)
    assert server.headers[0].get("authorization") == header


def test_no_request_gives_no_completion(server):
    assert list(engine(server).stream([])) == []


def test_concurrency_is_used_and_bounded(server):
    begun = time.monotonic()
    got = list(engine(server, "slow:0.2", concurrency=4).stream(requests(8)))
    # Two rounds of four take 0.4 s at least, and four at once were seen.
    assert time.monotonic() - begun >= 0.4
    assert server.peak == 4
    assert all(c.error is None for c in got)


def test_quick_answers_come_before_slow_ones(server):
    slow, quick = list(requests(2))
    assert [c.key for c in engine(server, "mixed").stream([slow, quick])] == ["k1", "k0"]


def test_the_deadline_begins_when_the_request_does(server):
    # Each takes 0.4 s of its 0.7 s; the second, sent 0.4 s after the first, would be late at 0.8 s otherwise.
    got = list(engine(server, "slow:0.4", concurrency=1, deadline=0.7).stream(requests(3)))
    assert [c.error for c in got] == [None] * 3


def test_requests_are_pulled_lazily_in_the_callers_thread(server):
    pulled = []

    def source():
        for request in requests(100_000):
            pulled.append(threading.current_thread())
            yield request

    stream = engine(server, concurrency=4).stream(source())
    list(islice(stream, 10))
    stream.close()
    # 8 (twice the concurrency) before the first completion, one more after each of the nine others.
    assert len(pulled) <= 17
    assert set(pulled) == {threading.current_thread()}


def test_the_source_may_give_more_after_its_end(server):
    # A conversation of three turns: each is added when the answer to the last one comes.
    todo = list(requests(1))
    got = []

    class Source:
        def __iter__(self):
            return self

        def __next__(self):
            if not todo:
                raise StopIteration
            return todo.pop()

    for completion in engine(server).stream(Source()):
        got.append(completion.text)
        if len(got) < 3:
            todo.append(Request("next", (Message("user", completion.text + "!"),)))
    assert got == ["question 0", "question 0!", "question 0!!"]


def test_a_caller_that_is_slow_between_completions_loses_none(server):
    # The workers run dry while the caller thinks, and have to be started again.
    got = []
    for completion in engine(server, concurrency=2).stream(requests(30)):
        got.append(completion.key)
        time.sleep(0.01)
    assert sorted(got) == sorted(f"k{number}" for number in range(30))


def test_a_raw_prompt_goes_to_completions(server):
    request = Request("k", (), {"max_tokens": 3}, prompt="Once upon a time")
    (got,) = engine(server).stream([request])
    assert (got.text, got.model, got.finish_reason) == ("Once upon a time", "served-model", "stop")
    assert (got.tokens_in, got.tokens_out) == (11, 7)
    body = {"model": "judge", "prompt": "Once upon a time", "max_tokens": 3, "stream": False}
    assert server.bodies == [body]


def test_messages_and_a_prompt_at_once_are_refused():
    with pytest.raises(ValueError, match="not both"):
        Request("k", (Message("user", "x"),), prompt="y")


def test_sampling_arrives_as_it_is(server):
    sampling = {
        "temperature": 0.7,
        "top_p": 0.9,
        "min_p": 0.05,
        "seed": 7,
        "stop": ["\n\n", "END"],
        "logprobs": True,
        "top_logprobs": 5,
        "structured_outputs": {"choice": ["[[A]]", "[[B]]"]},
    }
    list(engine(server).stream(requests(1, **sampling)))
    assert server.bodies[0].items() >= sampling.items()


@pytest.mark.parametrize("raw", [False, True])
def test_logprobs_come_with_each_token(server, raw):
    sampling = {"logprobs": 2 if raw else True}
    request = Request("k", (), sampling, prompt="yes no")
    if not raw:
        request = Request("k", (Message("user", "yes no"),), sampling)
    (got,) = engine(server).stream([request])
    # What tests.servers gives each word.
    assert got.logprobs == tuple(
        TokenLogprob(word, -0.5, (Alternative(word, -0.5), Alternative("other", -1.5)))
        for word in ("yes", "no")
    )


def test_without_asking_there_are_no_logprobs(server):
    assert ask(server).logprobs is None


def test_closing_early_cancels_and_leaves_nothing(server):
    stream = engine(server, "stuck-after-one", deadline=60).stream(requests(8))
    next(stream)
    assert len(engine_threads()) == 1
    begun = time.monotonic()
    stream.close()
    assert time.monotonic() - begun < 20  # of the 60 that it would wait
    assert engine_threads() == []


def test_an_error_of_the_source_comes_through_and_leaves_nothing(server):
    def source():
        yield from requests(2)
        raise LookupError("the source broke")

    with pytest.raises(LookupError):
        list(engine(server, "hang").stream(source()))
    assert engine_threads() == []


def test_it_tries_again_after_500(server):
    got = ask(server, "fails:2")
    assert (got.text, got.error) == ("question 0", None)
    assert len(server.bodies) == 3


def test_it_gives_up_after_the_last_attempt(server):
    got = ask(server, "fails", attempts=3)
    assert (got.text, got.error.code, got.error.final) == (None, "server_error", False)
    assert "out of memory" in got.error.message
    assert len(server.bodies) == 3


def test_waits_double_and_lose_up_to_a_half(server):
    ask(server, "fails", attempts=3, backoff=0.2)
    first, second = (later - sooner for sooner, later in zip(server.times, server.times[1:], strict=False))
    # 0.2 s and 0.4 s less up to a half, and what a busy machine takes for the request itself.
    assert 0.1 <= first < 0.2 + GRACE
    assert 0.2 <= second < 0.4 + GRACE


@pytest.mark.parametrize(
    # A date has whole seconds: 2 s from now is between 1 and 2 s away.
    ("model", "least", "most"),
    [("limited:0.4", 0.4, 0.4), ("limited_until:2", 1.0, 2.0)],
)
def test_it_waits_as_long_as_retry_after_says(server, model, least, most):
    got = ask(server, model)
    assert got.error is None
    assert least <= server.times[1] - server.times[0] < most + GRACE
    assert got.seconds >= least


def test_a_longer_wait_than_the_deadline_is_left_to_the_caller(server):
    got = ask(server, "limited:30", deadline=20)
    assert (got.error.code, got.error.retry_after, got.error.final) == ("rate_limited", 30.0, False)
    assert got.seconds < GRACE


def test_a_longer_wait_than_a_minute_is_left_to_the_caller(server):
    assert ask(server, "limited:61", deadline=600).error.retry_after == 61.0


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
        (422, "bad_request"),
    ],
)
def test_a_refusal_is_final_and_asked_once(server, status, code):
    got = ask(server, f"status:{status}")
    assert (got.text, got.error.code, got.error.final) == (None, code, True)
    assert len(server.bodies) == 1


def test_no_redirect_is_followed(server):
    got = ask(server, "status:307", api_key=KEY)
    assert (got.error.code, got.error.final) == ("bad_response", True)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_the_key_is_in_no_message_log_or_repr(server, status, caplog):
    caplog.set_level(logging.DEBUG)
    client = engine(server, f"status:{status}", api_key=KEY, attempts=1)
    (got,) = client.stream(requests(1))  # this server repeats the header in its error
    assert KEY not in repr(got)
    assert KEY not in repr(client)
    assert KEY not in caplog.text


def test_a_broken_connection_is_tried_again(server):
    assert ask(server, "hang-up:1").text == "question 0"
    assert len(server.bodies) == 2


def test_one_bad_request_does_not_harm_the_others(server):
    bad = Request("bad", (Message("user", "\ud800"),), {})
    worse = Request("worse", (Message("user", "x"),), {"temperature": float("nan")})
    got = {c.key: c for c in engine(server).stream([bad, *requests(2), worse])}
    assert {key: c.error and (c.error.code, c.error.final) for key, c in got.items()} == {
        "bad": ("bad_request", True),
        "worse": ("bad_request", True),
        "k0": None,
        "k1": None,
    }


@pytest.mark.parametrize("model", ["hang", "drip"])
def test_the_deadline_holds_against_silence_and_drips(server, model):
    got = ask(server, model, deadline=0.7)
    assert (got.error.code, got.error.final) == ("timeout", False)
    assert 0.7 <= got.seconds < 0.7 + GRACE


def test_an_attempt_can_have_a_limit_of_its_own(server):
    got = ask(server, "hang", attempt_seconds=0.2, attempts=2)
    assert got.error.code == "timeout"
    assert len(server.bodies) == 2
    assert 0.4 <= got.seconds < 0.4 + GRACE


def test_nobody_listens(server):
    server.close()
    got = ask(server, attempts=2)
    assert (got.error.code, got.error.final) == ("unreachable", False)
    assert "Connection refused" in got.error.message


def test_text_becomes_storable(server):
    # NUL and the lone surrogate are replaced; the emoji, which JSON writes as a pair, stays.
    assert ask(server, "surrogates").text == "a\ufffdb\ufffdc😀"


def test_reasoning_is_not_the_text(server):
    assert ask(server, "reasoning").text == "Verdict: [[B]]"


def test_an_empty_text_is_a_text_and_odd_metadata_is_dropped(server):
    got = ask(server, "odd-usage")
    assert (got.text, got.error) == ("", None)
    assert (got.model, got.finish_reason, got.tokens_in, got.tokens_out) == (None, None, None, None)


def test_the_environment_names_no_proxy(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(server).text == "question 0"


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "localhost:8000/v1"},
        {"base_url": "file:///etc/passwd"},
        {"base_url": "http://"},
        {"base_url": f"http://user:{KEY}@host/v1"},
        {"base_url": "http://host/v1?key=1"},
        {"base_url": "http://host:99999/v1"},
        {"base_url": "http://host:x/v1"},
        {"base_url": "http://two..dots/v1"},
        {"base_url": "http://host name/v1"},
        {"base_url": "http://127.1:8000/v1"},
        {"base_url": "http://[::1/v1"},
        {"base_url": "unix:///run/docker.sock"},
        {"api_key": f"{KEY}\r\nx-evil: 1"},
        {"api_key": "schlüssel"},
        {"concurrency": 0},
        {"attempts": 0},
        {"deadline": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(options):
    with pytest.raises(ValueError) as caught:
        ENGINES["openai"](**{"base_url": "http://host/v1", "model": "m", **options})
    assert KEY not in str(caught.value)


def test_a_slash_at_the_end_of_the_address_is_fine(server):
    client = ENGINES["openai"](base_url=server.base_url + "/", model="judge")
    assert next(client.stream(requests(1))).text == "question 0"


def test_the_verdict_by_length_reads_a_judges_prompt():
    from judging.protocols import Question, choose

    question = Question(("Why?",))
    messages = choose("", question).render(question, ("short",), ("a longer answer",))
    with running_server() as server:
        (got,) = engine(server).stream([Request("k", messages, {})])
    # "short" has 5 characters, "a longer answer" 15.
    assert got.text == "5 characters against 15.\nVerdict: [[B]]"


def test_the_list_of_models(server):
    with urllib.request.urlopen(server.base_url + "/models") as listed:
        assert [model["id"] for model in json.load(listed)["data"]] == ["judge"]
