import pytest

from arena.engines.replies import read_detail, read_error, read_wait

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
