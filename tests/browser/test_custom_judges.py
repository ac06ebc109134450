"""Olga writes a custom judge in the admin, tries it, saves it, makes a judge of it, and it rules."""

import re

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from judging.models import CustomJudge, Judge
from tests.browser.conftest import working
from tests.browser.watching import overflow
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.servers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

PATIENCE = 60_000  # milliseconds
REPLY = re.compile(r"<(first|second)_reply>\n(.*?)\n</\1_reply>", re.DOTALL)


def longer(prompt: str) -> str:
    """A verdict in the form that the example in the admin asks for."""
    sizes = {place: len(text) for place, text in REPLY.findall(prompt)}
    return f"Verdict: tie would be wrong.\n\n**Verdict: {max(sizes, key=lambda place: sizes[place])}**"


def fits(page: Page) -> None:
    for size in ({"width": 1440, "height": 900}, {"width": 390, "height": 844}):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert overflow(page) == []


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_first_word_to_a_ruling(visitors, scripted):
    olga = get_user_model().objects.create_superuser("olga")
    benchmark = make_benchmark(prompts=1, turns=["Name a river."])
    make_answers(benchmark, "Elbe", "The Elbe, which is long.")
    [match] = make_matches(benchmark)
    with running_server(longer) as server:
        make_judge("known", engine="openai", base_url=server.base_url, model="judge", is_active=False)
        page = visitors.open(user=olga, java_script_enabled=scripted)
        page.goto("/admin/")
        page.get_by_role("link", name="Custom judges").first.click()
        page.get_by_role("link", name="Add custom judge").click()
        page.get_by_label("Name:", exact=True).fill("longer-please")
        example = page.get_by_label("Prompt:", exact=True).input_value()

        # A fault is told beside its field, with the line.
        page.get_by_label("Prompt:", exact=True).fill(example + "\n{{ wrong }}")
        page.get_by_label("Match number").fill(str(match.pk))
        page.get_by_label("Ask the model of").select_option("known")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_text("there is no field wrong").first).to_be_visible()
        expect(page.locator(".tried").get_by_text("there is no field wrong")).to_be_in_viewport()
        expect(page.get_by_text("It was not tried")).to_be_visible()
        if scripted:  # measuring is a script, too
            fits(page)

        page.get_by_label("Prompt:", exact=True).fill(example)
        page.get_by_label("Prompt:", exact=True).press("Tab")
        page.get_by_role("button", name="Try it").press("Enter")
        expect(page.get_by_role("heading", name="What came of it")).to_be_in_viewport()
        expect(page.get_by_text("Both orders name the same winner.")).to_be_visible()
        assert sorted(page.locator(".tried mark").all_inner_texts()) == [
            "**Verdict: first",
            "**Verdict: second",
        ]
        expect(page.locator(".tried pre", has_text="<first_reply>\nElbe\n")).to_have_count(1)
        expect(page.locator(".tried pre", has_text="<second_reply>\nElbe\n")).to_have_count(1)
        if scripted:
            fits(page)
        assert not CustomJudge.objects.exists()

        page.set_viewport_size({"width": 1440, "height": 900})
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("link", name="Make a judge of longer-please").click()
        expect(page.get_by_label("Protocol:", exact=True)).to_have_value(CustomJudge.objects.get().protocol())
        page.get_by_label("Model:", exact=True).fill("judge")
        page.get_by_label("Base url").fill(server.base_url)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was added successfully")).to_be_visible()
        with working():
            pass  # one round of the worker's tasks, and another
    judge = Judge.objects.get(name="longer-please")
    assert judge.judgments.count() == 2
    page.goto(match.get_absolute_url())
    opinion = page.locator("details.opinion", has_text="longer-please").first
    opinion.locator("summary").first.click()
    expect(opinion.get_by_text("**Verdict:")).to_be_visible(timeout=PATIENCE)
    page.goto("/admin/judging/customjudge/")
    page.get_by_role("link", name="longer-please").first.click()
    expect(page.get_by_role("link", name="Copy it")).to_be_visible()
    expect(page.get_by_role("button", name="Try it")).to_have_count(0)
    if scripted:
        fits(page)
