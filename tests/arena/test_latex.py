r"""Formulas as models write them, read by math-core; what it lacks is said in its words or left as source."""

import pytest

from arena.latex import LONGEST, to_mathml
from tests.arena.reading import start_tags


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{-b \pm \sqrt{b^2-4ac}}{2a}",
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
        r"\sum_{i=1}^n i^2 = \prod_{\substack{i<n \\ j<m}} \int_0^\infty e^{-x}\,dx",
        r"f(x) = \begin{cases} x^2 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{align*} a &= b \\ &= c \end{align*}",
        r"\begin{align}[t] a &= b \label{eq:a_b} \\ &= c \tag{1} \end{align}",
        r"\begin{equation} \begin{split} a &= b \\ &= c \end{split} \end{equation}",
        r"\begin{array}{r@{}l|c} a & b & c \\ \hline d & e & f \end{array}",
        r"\mathbb{E}_{x \sim p}[f(x)], \hat\theta, \vec{v}, \overline{AB}, \mathcal{O}(n \log n), \Gamma",
        r"\boxed{x = 42} \implies \cancel{y} \therefore \operatorname*{argmax}_x \left\| x \right\|",
        r"\text{if $x$ is in max_len} \quad \textbf{b} \texttt{c} \mbox{} \color{red}{y} \textcolor{blue}{z}",
        r"a = b \\ c = d",
        r"a &= b \\ &= c",
    ],
)
def test_what_models_write_becomes_mathml(latex):
    assert to_mathml(latex, is_block=True).startswith("<math alttext=")


@pytest.mark.parametrize(
    "latex",
    [
        "",
        r"\foo",
        r"\frac{a",
        r"\def\a{b}\a",
        r"\newcommand{\a}{b}\a",
        r"\let\a\b",
        r"\href{https://x}{y}",
        "x" * (LONGEST + 1),
    ],
)
def test_what_does_not_parse_or_is_out_of_bounds_is_left(latex):
    assert to_mathml(latex, is_block=False) == ""


def test_the_source_stands_beside_the_formula():
    assert to_mathml('a < b & "c"'.replace("& ", ""), is_block=False).startswith(
        '<math alttext="a &lt; b &quot;c&quot;">'
    )


def test_no_style_is_left_and_what_it_said_is_a_class():
    mathml = to_mathml(
        r"\begin{aligned} a &= \color{red}{b} \end{aligned} \cancel{x} \fbox{y}", is_block=True
    )
    assert "style=" not in mathml.replace("displaystyle=", "")
    assert '<mtd class="right tight-right">' in mathml
    assert '<mrow class="struck-up">' in mathml
    assert '<mrow class="boxed">' in mathml
    assert "menclose" not in mathml


def test_lines_are_not_numbered_unless_their_writer_did():
    assert "(1)" not in to_mathml(r"\begin{align} a &= b \\ c &= d \end{align}", is_block=True)
    assert "<mtext>(7)</mtext>" in to_mathml(r"\begin{align} a &= b \tag{7} \end{align}", is_block=True)


def test_spaces_are_bounded():
    widths = [
        attributes.get("width")
        for tag, attributes in start_tags(to_mathml(r"a\hspace{9999em}b\kern-9999em c\!d", is_block=False))
        if tag == "mspace"
    ]
    # Too wide is 10 em; far to the left is nothing; a little to the left is a class.
    assert widths == ["10.0em", None, None]
