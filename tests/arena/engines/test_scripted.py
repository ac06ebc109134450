import pytest

from arena.engines import ENGINES, Message, Request


def requests(*keys):
    return [Request(key, (Message("user", "?"),), {}) for key in keys]


def test_it_plays_the_text_of_each_key():
    got = list(ENGINES["scripted"](script={"a": "one", "b": "two"}).stream(requests("b", "a", "b")))
    assert [(c.key, c.text, c.error) for c in got] == [
        ("b", "two", None),
        ("a", "one", None),
        ("b", "two", None),
    ]


def test_a_key_without_a_text_is_a_final_error():
    (got,) = ENGINES["scripted"](script={}).stream(requests("lost"))
    assert (got.text, got.error.code, got.error.final) == (None, "no_script", True)
    assert "'lost'" in got.error.message


def test_an_empty_text_is_a_text_and_text_becomes_storable():
    got = ENGINES["scripted"](script={"a": "", "b": "x\x00"}).stream(requests("a", "b"))
    assert [c.text for c in got] == ["", "x\ufffd"]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_file_is_a_script(tmp_path, bom):
    path = tmp_path / "script.jsonl"
    path.write_text(
        bom + '{"key": "a", "text": "ä", "note": 1}\n\n{"key": "b", "text": "two"}\n', encoding="utf-8"
    )
    assert [c.text for c in ENGINES["scripted"](script=path).stream(requests("a", "b"))] == ["ä", "two"]
    assert [c.text for c in ENGINES["scripted"](script=str(path)).stream(requests("a"))] == ["ä"]


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '{"key": "a"}', '{"key": 1, "text": "x"}', '{"key": "k", "text": "x"}']
)
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "script.jsonl"
    path.write_text('{"key": "k", "text": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"script\.jsonl, line 2"):
        ENGINES["scripted"](script=path)
