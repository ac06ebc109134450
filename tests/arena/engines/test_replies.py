import pytest

from arena.engines.replies import read_detail, read_error, read_wait, says_too_long

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),  # half a minute after DATE
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),  # past
        ("999999999", 86400.0),  # at most a day
        ("Wed, 21 Oct 2099 07:28:00 GMT", 86400.0),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("٣", None),
        ("Wed, 99 Foo 2026", None),
    ],
)
def test_retry_after(value, seconds):
    assert read_wait(value, DATE) == seconds


def test_retry_after_without_a_date_of_the_response_takes_our_clock():
    assert read_wait("Wed, 21 Oct 2099 07:28:00 GMT", None) == 86400.0
    assert read_wait("Wed, 21 Oct 2099 07:28:00 GMT", "nonsense") == 86400.0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "too  long\\n"}}', "too long"),
        (b'{"error": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"msg": "no"}]}', ""),
        (b'{"error": {"message": "your key SECRET is bad"}}', "your key [key] is bad"),
        (b'{"message": "a\\u0000b"}', "a\ufffdb"),
        (b"<html>", ""),
        (b"", ""),
        (b"[" * 100_000, ""),
        (b'{"message": "' + b"x" * 500 + b'"}', "x" * 199 + "…"),
    ],
)
def test_detail(body, words):
    assert read_detail(body, "SECRET") == words


@pytest.mark.parametrize(
    ("status", "code", "final", "again"),
    [
        (204, "bad_response", True, False),
        (302, "bad_response", True, False),
        (400, "bad_request", True, False),
        (401, "unauthorized", True, False),
        (403, "unauthorized", True, False),
        (404, "not_found", True, False),
        (408, "timeout", False, True),
        (413, "bad_request", True, False),
        (422, "bad_request", True, False),
        (429, "rate_limited", False, True),
        (500, "server_error", False, True),
        (503, "server_error", False, True),
        (599, "server_error", False, True),
    ],
)
def test_status(status, code, final, again):
    refused = read_error(status, "host:1", "m", "")
    assert (refused.error.code, refused.error.final, refused.again) == (code, final, again)
    assert "host:1" in refused.error.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": "context_length_exceeded", "message": "Too many."}}',
        b'{"object": "error", "message": "This model\'s maximum context length is 2048 tokens."}',
        b'{"message": "The decoder prompt (length 3000) is longer than the maximum model length of 2048."}',
        b'{"error": {"message": "the request exceeds the available context size"}}',
        b'{"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}',
        b'{"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048."}',
        b'{"error": {"message": "The input token count (40000) exceeds the maximum number allowed."}}',
    ],
)
def test_a_prompt_that_is_too_long_is_told_apart(body):
    assert says_too_long(body)
    error = read_error(400, "host:1", "m", read_detail(body, ""), too_long=True).error
    assert (error.code, error.final) == ("too_long", True)
    assert "too long for 'm'; set a smaller longest answer (max_tokens)" in error.message
    # A server that is down or wants a key says nothing of the prompt, whatever words it uses.
    assert read_error(503, "host:1", "m", "", too_long=True).error.code == "server_error"
    assert read_error(401, "host:1", "m", "", too_long=True).error.code == "unauthorized"


@pytest.mark.parametrize("body", [b"", b'{"error": {"message": "temperature is too high"}}', b"<html>"])
def test_other_refusals_are_not(body):
    assert not says_too_long(body)
