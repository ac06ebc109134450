"""Whatever a text holds, its HTML is of harmless elements, attributes and addresses, and comes soon."""

import threading
import time

import pytest

from arena.latex import to_mathml
from arena.markdown import SANITISER, SHOWN, render
from tests.arena.hostile_texts import HOSTILE, MATH, TEXTS
from tests.arena.reading import disorder, start_tags

# Said again here, so that a slip in the renderer's own lists is seen.
LEVELS = {"displaystyle", "scriptlevel"}
PLAIN = ("blockquote", "br", "code", "em", "hr", "li", "s", "strong", "tbody", "thead", "tr", "ul")
ALLOWED = {tag: set() for tag in PLAIN} | {
    "a": {"href", "title", "rel", "target"}, "ol": {"start"}, "p": {"class"}, "span": {"class"},
    "pre": {"class", "data-language"}, "td": {"class"}, "th": {"class"}, "table": set(),
    "h3": set(), "h4": set(), "h5": set(), "h6": set(),
    "math": {"alttext", "display"}, "mfrac": LEVELS | {"class", "linethickness"}, "mi": {"mathvariant"},
    "mn": set(), "mroot": set(), "msqrt": set(), "msub": set(), "msubsup": set(), "msup": set(), "mtr": set(),
    "mmultiscripts": set(), "mprescripts": set(), "mphantom": set(), "mtd": {"class"}, "mtext": {"class"},
    "mo": {"class", "largeop", "lspace", "maxsize", "minsize", "movablelimits", "rspace", "stretchy",
           "symmetric"},
    "mover": {"accent"}, "munder": {"accentunder"}, "munderover": {"accent", "accentunder"},
    "mrow": LEVELS | {"class"}, "mtable": LEVELS | {"class"}, "mspace": {"class", "width"},
}  # fmt: skip
THREAD = 1024 * 1024  # bytes of stack; a web server's threads have twice that


def harm(html: str) -> list[str]:
    """What in the HTML is not allowed."""
    found = disorder(html)
    for tag, attributes in start_tags(html):
        extra = set(attributes) - ALLOWED.get(tag, set()) - {"dir"}
        if tag not in ALLOWED or extra:
            found.append(f"<{tag}> {extra}")
        if not (attributes.get("href") or "https://").startswith(("http://", "https://", "mailto:")):
            found.append(f"{attributes['href']}")
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_ends_harmlessly_and_soon(name):
    start = time.thread_time()
    html = render(HOSTILE[name])
    # Not a measure (below 0.2 s on a quiet machine): without the renderer's bounds, some take minutes.
    assert time.thread_time() - start < 5
    assert harm(html) == []
    # 64 Ki characters, each at most a storm of formulas: 65 characters of HTML around and in "$a$".
    assert len(html) < 20 * SHOWN


def test_the_texts_are_many():
    assert len(TEXTS) >= 60


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<p onclick=alert(1)>x</p>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="/accounts/logout/">x</a>',
        "<math><mi style=color:red>x</mi></math>",
        '<math><mi href="https://x.example">x</mi></math>',
        "<p>x</b></p>",
        "<!-- x -->",
        "<p><b>x",
    ],
)
def test_harm_would_be_seen(html):
    assert harm(html)


@pytest.mark.parametrize(
    "html",
    [
        "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>",
        "<math><mtext><table><mglyph><style><math href=javascript:alert(1)>x</math></style></mglyph></table>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)></style></mglyph>",
        "<math><maction actiontype=toggle xlink:href='javascript:alert(1)'>x</maction></math>",
        "<math class=answer style=color:red id=x display=inline><mi mathvariant=bold class=bar>x</mi></math>",
        "<math><mtext><a href='javascript:alert(1)'>x</a><p class=next><img src=x></p></mtext></math>",
        "<svg><style><a id='</style><img src=1 onerror=alert(1)>'></svg><span class='btn hidden'>x</span>",
        "<a href='/accounts/logout/'>x</a><a href='//elsewhere.example'>y</a><pre data-language=x>z</pre>",
    ],
)
def test_the_sanitiser_alone_leaves_nothing_harmful(html):
    # As if math-core, pygments or markdown-it had let it through.
    cleaned = SANITISER.clean(html)
    assert harm(cleaned) == []
    assert SANITISER.clean(cleaned) == cleaned  # read again, it says the same
    assert not [attributes for _, attributes in start_tags(cleaned) if attributes.get("class")]


def in_a_small_thread(work) -> None:
    before = threading.stack_size(THREAD)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()


def test_the_deepest_formulas_fit_into_a_small_stack():
    # The reader of formulas recurses in native code; too deep, and the process is gone.
    made = []
    in_a_small_thread(lambda: made.extend(render(text) for text in MATH.values()))
    assert len(made) == len(MATH)
    # Nor may what is just within the bounds: 50 braces, and 1990 characters of commands within commands.
    deepest = ["{" * 50 + "x" + "}" * 50, "\\sqrt" * 398 + " x", "\\left(" * 330, "\\bm" * 660 + " x"]
    in_a_small_thread(lambda: made.extend(to_mathml(latex, True) for latex in deepest))
    assert len(made) == len(MATH) + len(deepest)


def test_one_address_is_not_written_a_thousand_times():
    text = f"[a]: https://x.example/{'x' * 20_000}\n\n" + "[a] " * 1000
    # Written out they are 20 MB; now the text stands as it is.
    assert render(text).startswith('<p class="plain"')
