import pytest

from arena.engines import Alternative, TokenLogprob
from arena.engines.logprobs import read_logprobs


def chat(**entry):
    return {"content": [{"token": "a", "logprob": -0.1, **entry}]}


def raw(**columns):
    return {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": [{"a": -0.1}], **columns}


def test_the_alternatives_come_best_first():
    # vLLM puts the token that was drawn first, the likeliest or not.
    top = [{"token": "a", "logprob": -2}, {"token": "b", "logprob": -0.1}, {"token": "c", "logprob": -3}]
    (token,) = read_logprobs(chat(logprob=-2, top_logprobs=top))
    assert token == ("a", -2.0, (("b", -0.1), ("a", -2.0), ("c", -3.0)))
    (token,) = read_logprobs(raw(token_logprobs=[-2], top_logprobs=[{"a": -2, "b": -0.1}]))
    assert token == ("a", -2.0, (("b", -0.1), ("a", -2.0)))


@pytest.mark.parametrize(
    "data",
    [
        chat(),
        chat(top_logprobs=None),
        chat(top_logprobs=[]),
        raw(top_logprobs=None),
        raw(top_logprobs=[None]),
        {"tokens": ["a"], "token_logprobs": [-0.1]},
    ],
)
def test_alternatives_may_be_missing(data):
    assert read_logprobs(data) == (TokenLogprob("a", -0.1, ()),)


def test_no_tokens_are_no_entries():
    assert read_logprobs({"content": []}) == ()


def test_tokens_become_storable():
    (token,) = read_logprobs(chat(token="\x00", top_logprobs=[{"token": "\ud800", "logprob": -1}]))
    assert token == ("\ufffd", -0.1, (Alternative("\ufffd", -1.0),))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        7,
        {},
        {"content": None},
        {"content": "a"},
        {"content": [7]},
        {"content": [{}]},
        chat(token=7),
        chat(logprob=None),
        chat(logprob="-1"),
        chat(logprob=True),
        chat(logprob=float("nan")),
        chat(logprob=float("-inf")),
        chat(logprob=-(10**400)),
        chat(top_logprobs={"a": -1}),
        chat(top_logprobs=[["a", -1]]),
        chat(top_logprobs=[{"token": "a"}]),
        raw(tokens=[7]),
        raw(tokens=["a", "b"]),
        raw(token_logprobs=None),
        raw(token_logprobs=[]),
        raw(token_logprobs=[None]),
        raw(top_logprobs=7),
        raw(top_logprobs=[]),
        raw(top_logprobs=[["a", -1]]),
        raw(top_logprobs=[{"a": None}]),
    ],
)
def test_malformed_ones_are_none(data):
    assert read_logprobs(data) is None
