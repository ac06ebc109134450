"""Installed texts and what is judged, put together in one pass: no answer is looked at as a layout."""

import re
from collections.abc import Mapping, Sequence

from judging.protocols import Question
from judging.recipes.contract import MANY, SINGLE, Form, Recipe

PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")
# What tokenizers read as more than text: ends of texts and turns.
TOKENS = r"<[|｜][\w ▁]{1,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|<(?:unk|pad)>|\[(?:PAD|UNK|CLS|[gs]?MASK)\]"


def fill(layout: str, values: Mapping[str, str]) -> str:
    """``layout`` with each {name} of ``values`` replaced; other braces stay as they are."""
    if not values:
        return layout
    names = "|".join(map(re.escape, values))
    return re.sub(rf"\{{({names})\}}", lambda place: values[place[1]], layout)


def compose(form: Form, texts: Mapping[str, str]) -> list[str]:
    """The form's layouts with the installed texts in them, and texts inside those; other places stay open."""
    inner = {place: texts[name] for place, name in form.inside.items()}
    return [fill(fill(layout, texts), inner) for layout in form.layouts]


def find_fault(recipe: Recipe, texts: Mapping[str, str]) -> str:
    """What is wrong with extracted texts: a place missing, or one that nothing would fill; else empty."""
    for mode, form in recipe.forms.items():
        found = {name for text in compose(form, texts) for name in PLACE.findall(text)}
        if missing := sorted(set(form.fields) - found):
            return f"its text for {mode} has no place for {', '.join(missing)}"
        if unknown := sorted(found - set(form.fields)):
            return f"its text for {mode} has an unknown place: {', '.join(unknown)}"
        if form.each and set(PLACE.findall(texts[form.each])) != {"answer_id", "answer"}:
            return f"its text for {mode} does not show further answers by answer_id and answer"
    return ""


def shown(
    form: Form, texts: Mapping[str, str], question: Question, answers: Sequence[tuple[str, ...]], kind: str
) -> list[str]:
    """The form's layouts with everything in its place; ``question`` and ``answers`` are harmless already."""
    if form.adapt:
        texts = {**texts, **form.adapt(texts, len(answers))}
    material = _material(form, question, answers, kind)
    if form.each:
        later = enumerate(answers[2:], start=3)
        material["more"] = "".join(
            fill(texts[form.each], {"answer_id": str(number), "answer": turns[0] if turns else ""})
            for number, turns in later
        )
    values = {name: fill(layout, {**texts, **material}) for name, layout in form.fields.items()}
    return [fill(layout, values) for layout in compose(form, texts)]


def _material(
    form: Form, question: Question, answers: Sequence[tuple[str, ...]], kind: str
) -> dict[str, str]:
    """Every text that a field may name; turns that nobody wrote are empty."""
    count = len(question.turns)
    named = {"question": question.turns, "reference": question.reference or ()}
    named |= {"answer": answers[0]} if kind == SINGLE else {"first": answers[0], "second": answers[1]}
    material = {}
    for name, turns in named.items():
        padded = (*turns, *[""] * (count - len(turns)))
        material[name] = padded[0]
        material |= {f"{name} {number}": text for number, text in enumerate(padded, start=1)}
    person, *assistants = form.speakers
    if person and kind not in (SINGLE, MANY):
        for name, speaker in zip(("first", "second"), assistants, strict=True):
            lines = [
                f"{person}: {turn}\n{speaker}: {material[f'{name} {number}']}"
                for number, turn in enumerate(question.turns, start=1)
            ]
            material[f"{name} talk"] = "\n".join(lines)
    return material


def hostile_pattern(recipe: Recipe, texts: Mapping[str, str], kind: str) -> re.Pattern[str]:
    """What an answer may not hold as it is: the prompt's delimiters, rulings, a tokenizer's own marks."""
    marks: set[str] = set()
    if recipe.marks:
        for form in recipe.forms.values():
            whole = "\n".join([*form.fields.values(), texts.get(form.each, ""), *compose(form, texts)])
            marks |= {found[0] for found in re.finditer(recipe.marks, whole, re.MULTILINE)}
    # The longest first, so that no mark hides a longer one that begins alike.
    parts = [as_pattern(mark) for mark in sorted(marks, key=lambda mark: (-len(mark), mark))]
    return re.compile("|".join([*filter(None, [recipe.verdicts.get(kind)]), *parts, TOKENS]), re.IGNORECASE)


def as_pattern(mark: str) -> str:
    """A pattern for the mark: any number in a place, any white space in a gap.

    What could stand in any text is a mark only where a line begins with it, or is nothing else.
    """
    pieces = [re.escape(piece) for piece in PLACE.split(mark)[::2]]
    pattern = re.sub(r"(?:\\ |\\\t)+", r"[ \\t]+", r"\w+".join(pieces))
    if mark[0].isalpha():
        return rf"(?<![^\n]){pattern}"
    return pattern if re.search(r"\w", mark) else rf"(?<![^\n]){pattern}(?![^\n])"


def defuse(text: str, hostile: re.Pattern[str]) -> str:
    """``text`` with each imitation visibly broken up: a space after its first sign, or before its last."""

    def broken(found: re.Match[str]) -> str:
        place = -1 if found[0][0].isalpha() else 1
        return f"{found[0][:place]} {found[0][place:]}"

    return hostile.sub(broken, text)
