"""The page cache by itself: what is kept, when it is made anew, and what happens when its source is down."""

import gzip
import threading
import time

import brotli
import pytest

from leaderboard.page_cache import PageCache, Rendered, accepted_encodings


class Down(Exception):
    """The source is not there."""


class Source:
    """A page whose text and stamp a test changes, and that counts how often it was asked."""

    def __init__(self, text: str = "one"):
        self.text, self.mark = text, 1
        self.rendered = self.checked = 0
        self.error: Exception | None = None

    def stamp(self):
        self.checked += 1
        if self.error:
            raise self.error
        return self.mark

    def render(self):
        self.rendered += 1
        return Rendered(self.text.encode(), "text/html")


def get(cache: PageCache, source: Source, now: float, key: str = "k"):
    page = cache.get(key, stamp=source.stamp, render=source.render, now=now, down=(Down,))
    return page.rendered.body.decode()


def test_checks_at_most_every_two_seconds_and_renders_only_on_change():
    cache, source = PageCache(), Source()
    assert [get(cache, source, now) for now in (100.0, 100.5, 101.9)] == ["one"] * 3
    assert (source.checked, source.rendered) == (1, 1)
    get(cache, source, 102.1)  # over 2 s: looked at, nothing changed
    assert (source.checked, source.rendered) == (2, 1)
    source.text, source.mark = "two", 2
    assert get(cache, source, 103.0) == "one"  # not looked at yet
    assert get(cache, source, 104.2) == "two"
    assert (source.checked, source.rendered) == (3, 2)


def test_is_made_anew_after_its_greatest_age():
    cache, source = PageCache(max_age=60), Source()
    get(cache, source, 100.0)
    source.text = "two"  # same stamp: a name changed, say
    assert get(cache, source, 159.0) == "one"
    assert get(cache, source, 161.5) == "two"


def test_serves_the_last_good_page_while_the_source_is_down():
    cache, source = PageCache(), Source()
    get(cache, source, 100.0)
    source.error = Down()
    assert get(cache, source, 103.0) == "one"
    assert get(cache, source, 104.0) == "one"
    assert source.checked == 2  # while it is down it is not asked more often either
    source.error, source.text, source.mark = None, "two", 2
    assert get(cache, source, 105.1) == "two"


def test_a_first_request_while_down_fails_and_keeps_nothing():
    cache, source = PageCache(), Source()
    source.error = Down()
    with pytest.raises(Down):
        get(cache, source, 100.0)
    assert len(cache) == 0


def test_another_error_forgets_the_page():
    cache, source = PageCache(), Source()
    get(cache, source, 100.0)
    source.error = KeyError("gone")
    with pytest.raises(KeyError):
        get(cache, source, 103.0)
    assert len(cache) == 0


def test_keeps_the_pages_used_last():
    cache, source = PageCache(limit=2), Source()
    for key in ("a", "b", "a", "c"):  # b is unused for longest when c comes
        get(cache, source, 100.0, key)
    rendered = source.rendered
    get(cache, source, 100.0, "a")
    assert source.rendered == rendered
    get(cache, source, 100.0, "b")
    assert source.rendered == rendered + 1
    assert len(cache) == 2


def test_pages_that_do_not_exist_push_nothing_out():
    cache, source, wrong = PageCache(limit=2), Source(), Source()
    get(cache, source, 100.0, "a")
    get(cache, source, 100.0, "b")
    wrong.error = KeyError()
    for number in range(10):
        with pytest.raises(KeyError):
            get(cache, wrong, 100.0, f"wrong {number}")
    get(cache, source, 100.0, "a")
    get(cache, source, 100.0, "b")
    assert source.rendered == 2


def test_encodings_hold_the_same_page():
    cache, source = PageCache(), Source("x" * 1000)
    page = cache.get("k", stamp=source.stamp, render=source.render, now=0.0)
    assert page.encoded("gzip, deflate, br, zstd") == (page.brotli, "br")
    assert page.encoded("gzip;q=1.0, br;q=0") == (page.gzip, "gzip")
    assert page.encoded("identity") == (b"x" * 1000, "")
    assert gzip.decompress(page.gzip) == brotli.decompress(page.brotli) == b"x" * 1000


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("gzip, br", {"gzip", "br"}),
        ("GZIP;q=0.5, br;q=0.000", {"gzip"}),
        ("br; q=0", set()),
        ("", {""}),
    ],
)
def test_reads_accept_encoding(header, names):
    assert accepted_encodings(header) == names


def test_the_tag_follows_the_content():
    cache, source = PageCache(), Source()
    first = cache.get("a", stamp=source.stamp, render=source.render, now=0.0)
    same = cache.get("b", stamp=source.stamp, render=source.render, now=0.0)
    source.text = "two"
    other = cache.get("c", stamp=source.stamp, render=source.render, now=0.0)
    assert first.etag == same.etag != other.etag
    assert first.etag.startswith('W/"')


def test_many_threads_make_a_page_once():
    cache, source = PageCache(), Source()
    rendering = threading.Event()

    def slow():
        rendering.set()
        time.sleep(0.05)
        return source.render()

    def ask():
        bodies.append(cache.get("k", stamp=source.stamp, render=slow, now=1.0).rendered.body)

    bodies: list[bytes] = []
    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [b"one"] * 16
    assert source.rendered == 1


def test_others_get_the_old_page_while_one_thread_makes_the_new():
    cache, source = PageCache(), Source()
    get(cache, source, 100.0)
    source.text, source.mark = "two", 2
    started, go_on = threading.Event(), threading.Event()

    def slow():
        started.set()
        go_on.wait(5)
        return source.render()

    thread = threading.Thread(
        target=lambda: cache.get("k", stamp=source.stamp, render=slow, now=103.0, down=(Down,))
    )
    thread.start()
    assert started.wait(5)
    assert get(cache, source, 103.0) == "one"
    go_on.set()
    thread.join()
    assert get(cache, source, 103.0) == "two"
