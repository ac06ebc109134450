"""Texts taken out of files of every format, and what is no text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.recipes.contract import Source
from judging.recipes.extracting import FORMATS, BadFile, extract

PYTHON = '''
import nothing_of_that_name

PLAIN = "one" " and two"
SUM = "one" + f" and {two}"
STRIPPED = """
  padded
""".strip()
TYPED: str = "typed"
ROWS = [{"role": "system", "content": "rules"}, {"role": "user", "content": "ask {it}"}]
CALL = Talk(system="be fair", made=open("x"))
NUMBER, PAIR = 5, ("a", "b")
PAIRED = ("first", "second")


class Judge:
    def ask(self, ref, out):
        if ref:
            text = "with"
        else:
            for each in out:
                text = "without"
        every = [f'see "{r}" and "{o}"' for r, o in zip(ref, out)]
        odd = f"{ref!r}"
        longer = f"{ref.strip()}"
'''


def take(format: str, content: str | bytes, address: str) -> str:
    source = Source("o/r", "c", "p", "s", format, {"text": address})
    return extract(source, content.encode() if isinstance(content, str) else content)["text"]


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("PLAIN", "one and two"),
        ("SUM", "one and {two}"),
        ("STRIPPED", "padded"),
        ("TYPED", "typed"),
        ("ROWS.1.content", "ask {it}"),
        ("CALL.system", "be fair"),
        ("PAIRED.1", "second"),
        ("Judge.ask.text", "with"),
        ("Judge.ask.text#1", "without"),
        ("Judge.ask.every", 'see "{r}" and "{o}"'),
    ],
)
def test_python(address, text):
    assert take("Python", PYTHON, address) == text


@pytest.mark.parametrize(
    "address",
    [
        *(
            "MISSING",
            "PLAIN#1",
            "NUMBER",
            "ROWS.2.content",
            "ROWS.x",
            "ROWS.0.name",
            "CALL.made",
            "CALL.other",
        ),
        *(
            "CALL",
            "Judge",
            "Judge.ask",
            "Judge.ask.odd",
            "Judge.ask.longer",
            "Judge.tell.text",
            "PLAIN.x",
            "",
        ),
    ],
)
def test_what_python_has_not(address):
    with pytest.raises(BadFile, match=r"^holds no "):
        take("Python", PYTHON, address)


def test_the_address_is_named_as_far_as_it_was_not_found():
    with pytest.raises(BadFile, match=r"^holds no Judge\.tell$"):
        take("Python", PYTHON, "Judge.tell.text")


def test_the_other_formats():
    rows = '{"name": "pair", "system": "rules"}\n\n{"name": "single", "system": "other rules"}\n'
    assert take("JSONL", rows, "single:system") == "other rules"
    assert take("JSON", '{"a": [{"b": "deep"}]}', "a.0.b") == "deep"
    yaml = 'model: x\ntext: "a\\n\\"b\\""\nblock: |-\n  one:\n    two\n\n  three\n\nkept: |\n  end\nlast: z\n'
    assert take("YAML", yaml, "text") == 'a\n"b"'
    assert take("YAML", yaml, "block") == "one:\n  two\n\nthree"
    assert take("YAML", yaml, "kept") == "end\n"
    turns = "<|im_start|>system\nRules.\n<|im_end|>\n<|im_start|>user\nAsk {it}\n\nNow\n<|im_end|>"
    assert take("chat turns", turns, "system") == "Rules."
    assert take("chat turns", turns, "user") == "Ask {it}\n\nNow"
    markdown = (
        "# Title\n```bash\nX = 1\n```\n```python\na = 1\n```\nand\n```python\nprompt = '''\nAsk\n'''\n```\n"
    )
    assert take("Markdown", markdown, "prompt") == "\nAsk\n"


@pytest.mark.parametrize(
    ("format", "content", "address", "said"),
    [
        ("JSONL", '{"name": "pair", "system": 5}', "pair:system", "holds no pair:system"),
        ("JSONL", '{"name": "pair"}', "other:system", "holds no other:system"),
        ("JSONL", "nonsense", "pair:system", "cannot be read as JSONL"),
        ("JSONL", "[1]", "pair:system", "cannot be read as JSONL"),
        ("JSONL", '{"system": "x"}', "pair:system", "cannot be read as JSONL"),
        ("JSONL", "5", "pair:system", "cannot be read as JSONL"),
        ("JSON", '{"a": "b"}', "a.b", "holds no a.b"),
        ("JSON", "[" * 100_000, "a", "cannot be read as JSON"),
        ("YAML", "text: plain", "text", "holds no text"),
        ("YAML", "text: |-\nnext: 1", "text", "holds no text"),
        ("YAML", "  text: |-\n    x", "text", "holds no text"),
        ("YAML", 'text: "open', "text", "cannot be read as YAML"),
        ("chat turns", "<|im_start|>system\nopen", "system", "holds no system"),
        ("Markdown", "```python\na = (\n```", "a", "cannot be read as Markdown"),
        ("Markdown", "plain", "a", "holds no a"),
        ("Python", "a = (", "a", "cannot be read as Python"),
        ("Python", b"a = '\xff'", "a", "cannot be read as Python"),
        ("Python", "a = '\x00'", "a", "cannot be read as Python"),
        ("Python", "a = " + "(" * 5000 + ")" * 5000, "a", "cannot be read as Python"),
    ],
)
def test_files_that_are_something_else(format, content, address, said):
    with pytest.raises(BadFile, match=f"^{said}$"):
        take(format, content, address)


@given(st.sampled_from(sorted(FORMATS)), st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_no_file_does_anything_but_be_refused(format, content):
    content = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    with pytest.raises(BadFile):
        take(format, content, "no.such:text")
