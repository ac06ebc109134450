"""The form that takes recorded answers, when something is wrong with the file or its sender."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from arena.models import Competitor, Submission
from tests.factories import make_benchmark

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]


@pytest.fixture
def form(visitors, alice) -> Page:
    """The form, filled in by Alice but for its file; two benchmarks, each with the prompts q1 to q3."""
    make_benchmark(prompts=3, slug="first")
    make_benchmark(prompts=3, slug="second")
    page = visitors.open(user=alice, viewport={"width": 1440, "height": 900})
    page.goto("/submit/")
    page.get_by_label("Benchmark").select_option("second")
    page.get_by_label("Name of the model").fill("Alice's <b>7B</b>")
    page.get_by_label("Organisation").fill("House & Home")
    return page


@pytest.fixture
def alice(database, django_user_model):
    return django_user_model.objects.create_user("alice", password="correct horse battery")


def send(page: Page, content: bytes, name: str = "answers.jsonl") -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Submit").click()


def lines(*rows: object) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def is_kept(page: Page) -> None:
    """The fields hold what was typed, nothing was stored, and the form can be sent again."""
    expect(page.get_by_label("Benchmark")).to_have_value("second")
    expect(page.get_by_label("Name of the model")).to_have_value("Alice's <b>7B</b>")
    expect(page.get_by_label("Organisation")).to_have_value("House & Home")
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    assert not Submission.objects.exists()
    assert not Competitor.objects.exists()


def test_every_bad_line_is_listed_and_the_fields_stay(form, visitors):
    visitors.watch.expect("status of 422")
    send(
        form,
        lines(
            {"id": "q1", "answer": "fine"},
            '{"id": "q2", "answer": ',
            {"id": "nowhere", "answer": "x"},
            {"id": "q1", "answer": "again"},
            {"answer": "<script>alert(1)</script>"},
        ),
    )
    problems = form.get_by_role("alert")
    expect(problems).to_contain_text("Nothing was stored.")
    expect(problems).to_contain_text("answers.jsonl")
    told = {
        row.locator("td").nth(0).inner_text(): row.locator("td").nth(1).inner_text()
        for row in problems.locator("tbody tr").all()
    }
    assert {"2", "3", "5"} <= set(told)  # and line 4 or line 1 for the id that comes twice
    assert "nowhere" in told["3"]
    assert "q1" in " ".join(told.values())
    assert all(len(reason) > 10 for reason in told.values())
    is_kept(form)

    # Corrected and sent again from the same page.
    send(form, lines(*({"id": f"q{number}", "answer": "fine"} for number in (1, 2, 3))))
    expect(form).to_have_url(re.compile(r"/submissions/\d+/$"))
    expect(form.get_by_role("heading", level=1)).to_have_text("Alice's <b>7B</b>")
    assert Submission.objects.get().answers.count() == 3


def test_a_file_over_the_limit(form, visitors, settings):
    settings.UPLOAD_LIMIT = 10_000
    visitors.watch.expect("status of 413")
    send(form, lines({"id": "q1", "answer": "x" * 20_000}))
    expect(form.locator(".errorlist")).to_contain_text("larger than 9.8")
    is_kept(form)
    field = form.get_by_label("File")
    expect(field).to_have_attribute("aria-invalid", "true")
    # The field's reason belongs to the field for those who do not see the page.
    said_by = (field.get_attribute("aria-describedby") or "").split()
    assert any("larger" in form.locator(f"[id='{name}']").inner_text() for name in said_by)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("answers.jsonl", b"", "empty"),
        ("answers.jsonl", b"\xff\xfe\x00\x01", "UTF-8"),
        ("answers.csv", b"one,two\n1,2\n", "id"),
        ("answers.json", b"[" * 100_000, "nested"),
        ("answers.jsonl", b'{"id": "q1", "answer": "a\\u0000b"}\n', "NUL"),
    ],
    ids=["empty", "not UTF-8", "wrong columns", "nested", "NUL"],
)
def test_a_bad_file_is_refused_with_a_reason(form, visitors, name, content, words):
    visitors.watch.expect("status of 422")
    send(form, content, name)
    expect(form.get_by_role("alert")).to_contain_text(re.compile(words, re.IGNORECASE))
    is_kept(form)


def test_no_file_and_no_name(form):
    form.get_by_role("button", name="Submit").click()
    assert (
        form.evaluate("() => document.activeElement.name") == "file"
    )  # the browser's own check points at it
    assert form.evaluate("() => document.querySelector('[name=file]').validity.valueMissing")
    is_kept(form)


def test_a_name_that_is_taken(form, visitors, django_user_model):
    owner = django_user_model.objects.create_user("bob")
    Competitor.objects.create(slug="taken", name="Taken", owner=owner)
    visitors.watch.expect("status of 422")
    form.get_by_label("Name of the model").fill("taken")
    send(form, lines(*({"id": f"q{number}", "answer": "fine"} for number in (1, 2, 3))))
    expect(form.get_by_role("alert")).to_contain_text("A model named Taken exists already")
    assert not Submission.objects.exists()


def test_a_stranger_does_not_see_a_submission(form, visitors, django_user_model):
    send(form, lines(*({"id": f"q{number}", "answer": "fine"} for number in (1, 2, 3))))
    expect(form).to_have_url(re.compile(r"/submissions/\d+/$"))
    visitors.watch.expect("status of 404")
    stranger = visitors.open(user=django_user_model.objects.create_user("bob"))
    assert stranger.goto(form.url).status == 404
    expect(stranger.get_by_role("heading", name="No such submission")).to_be_visible()
    assert stranger.get_by_text("Alice's").count() == 0


def test_sign_in_leads_back_to_the_form(visitors, alice):
    make_benchmark(slug="bench")
    page = visitors.open()
    page.goto("/submit/?benchmark=bench")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/submit/\?benchmark=bench$"))
    expect(page.get_by_label("Benchmark")).to_have_value("bench")
    page.locator("details.menu.wide summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
