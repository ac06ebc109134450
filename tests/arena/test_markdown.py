"""Honest markdown: the HTML is what its writer meant, and readable."""

import hashlib

import pytest

from arena.markdown import SHOWN, VERSION, render
from tests.arena.reading import start_tags


def test_tables_strikethrough_and_code():
    html = render("| a | b |\n|--:|---|\n| 1 | ~~2~~ |\n\n```python\ndef f(): return 'x'\n```")
    assert '<th class="right">a</th>' in html
    assert "<s>2</s>" in html
    assert '<span class="h-k">def</span>' in html


def test_alignment_is_a_class_because_inline_styles_are_forbidden():
    assert "style" not in render("| a |\n|:-:|\n| 1 |")


def test_headings_stand_below_the_pages_own():
    assert render("# One") == '<h3 dir="auto">One</h3>\n'
    assert render("###### Six") == '<h6 dir="auto">Six</h6>\n'


def test_a_remote_image_becomes_a_link():
    html = render("![a cat](https://example.org/cat.png)")
    assert "<img" not in html
    assert ">Image: a cat</a>" in html


def test_links_say_that_they_are_not_ours():
    [(_, attrs)] = [tag for tag in start_tags(render("[x](https://example.org 'title')")) if tag[0] == "a"]
    assert set(attrs["rel"].split()) == {"nofollow", "noopener", "noreferrer"}
    assert attrs["href"] == "https://example.org"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/logout/", "data:text/html,x", "//example.org"])
def test_only_web_and_mail_addresses_become_links(address):
    assert "<a" not in render(f"[x]({address}) ![x]({address}) <{address}>")


@pytest.mark.parametrize(
    "formula",
    [r"$a_1 * b_2 * \c$", r"\(x\_1 \\ \frac{a}\)", r"$$\summe_{i} *x* *y*$$", r"\[a_{1} _b_ \unknown\]"],
)
def test_inline_latex_that_does_not_parse_keeps_its_source(formula):
    assert f'<span class="math">{formula}</span>' in render(f"Let {formula} be.")


def test_block_latex_that_does_not_parse_keeps_its_lines():
    assert render("$$\na \\x \\\\\n\n*b*\n$$\nafter").startswith(
        '<pre class="math">$$\na \\x \\\\\n\n*b*\n$$</pre>'
    )


@pytest.mark.parametrize("formula", ["$x_1$", r"\(x_1\)"])
def test_latex_in_a_line_becomes_mathml_with_its_source_beside_it(formula):
    mathml = '<math alttext="x_1"><msub><mi>x</mi><mn>1</mn></msub></math>'
    assert (
        render(f"Let {formula} be.") == f'<p dir="auto">Let <span class="formula">{mathml}</span> be.</p>\n'
    )


@pytest.mark.parametrize("formula", ["$$\nx_1\n$$", "\\[\nx_1\n\\]", "\\[ x_1 \\]"])
def test_latex_with_lines_of_its_own_becomes_a_block(formula):
    html = render(f"Let\n{formula}\nbe.")
    assert '<p class="formula display"><math alttext="x_1" display="block">' in html
    assert html.count("<p") == 3


def test_two_dollars_within_a_line_are_a_block_too():
    assert '<span class="formula display"><math alttext="x" display="block">' in render("Let $$x$$ be.")


def test_prices_are_not_formulas():
    assert "math" not in render("It costs $5 and $6, $ x $.\n\nTwo cost 5$ or 7$ a piece.")


def test_right_to_left_text_takes_its_own_direction():
    assert '<p dir="auto">שלום</p>' in render("שלום")
    # The list decides for its items: an item with a direction of its own would leave the list without one.
    assert render("- שלום\n- עולם").count("dir=") == 1


def test_only_the_beginning_of_a_long_text_is_shown():
    html = render("word " * 20_000)  # 100,000 characters
    assert "Cut here: 34,464 more characters" in html  # 100,000 - 65,536
    assert html.count("word") <= SHOWN // 5 + 1


def test_characters_that_no_page_can_carry_are_replaced():
    assert render("a\0b \ud800 c") == '<p dir="auto">a�b ? c</p>\n'


def test_a_line_break_stays_one():
    # Models write verses and lists of lines with single line breaks.
    assert render("one\ntwo").count("<br") == 1


def test_code_says_its_language_if_it_is_a_known_one():
    assert '<pre class="hl" data-language="python"><code>' in render("```Python\nx\n```")
    assert '<pre class="hl"><code>' in render("```nonsense\nx\n```")


EVERYTHING = """# Head\n\nA *b* **c** ~~d~~ `e` $f^2$ [g](https://x.example) ![h](https://x.example/i.png)
\n- i\n  1. j\n\n> k\n\n| l | m |\n|--:|---|\n| n | $$o$$ |\n\n```python\nprint("p")\n```
\n\\[ q \\]\n\n---"""


def test_a_change_of_the_html_is_a_new_version():
    # Stored answers are rendered anew when VERSION is raised. Raise it, and then write down the new digest.
    digest = hashlib.sha256(render(EVERYTHING).encode()).hexdigest()[:12]
    assert (VERSION, digest) == (2, "eaea8823e59f")


@pytest.mark.parametrize("words", ["", " ", "\u200b", "**\u2060**"])
def test_a_link_without_words_shows_its_address(words):
    assert ">https://x.example" in render(f"[{words}](https://x.example)")


def test_an_image_within_a_link_is_its_words():
    html = render("[![build](https://x.example/b.svg)](https://y.example)")
    assert html.count("<a ") == 1
    assert ">Image: build</a>" in html


@pytest.mark.parametrize("depth", [9, 10, 11, 12, 30])
def test_a_deep_text_is_shown_to_its_end(depth):
    # 9 lists and their items are 18 levels, which is the limit; beyond it the text stands as it was written.
    html = render("".join("   " * level + f"1. a{level}\n" for level in range(depth)) + "\n\nthe end")
    assert f"a{depth - 1}" in html
    assert "the end" in html
    assert ("<ol" in html) == (depth < 10)
