"""/models/ and /models/<slug>/."""

import pytest

from arena.models import Match
from arena.outcomes import Order, Verdict, Winner
from tests.factories import (
    make_answers,
    make_benchmark,
    make_competitor,
    make_endpoint,
    make_judge,
    make_matches,
    make_vote,
)
from tests.judging.test_match_page import make_judgment
from tests.leaderboard.rows import make_board

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def test_the_list_is_searched_by_every_word(client):
    make_competitor("Hornbeam 70B", organisation="Acme")
    make_competitor("Hornbeam 7B", organisation="Zenith")
    page = text(client.get("/models/?q=acme+horn"))
    assert "Hornbeam 70B" in page
    assert "Hornbeam 7B" not in page
    assert "1 model with “acme horn”" in page
    assert "No such model" in text(client.get("/models/?q=%25"))
    assert "No such model" in text(client.get("/models/?q=%00nobody"))


def test_the_list_names_each_models_benchmarks_in_few_queries(client, django_assert_max_num_queries):
    first, second = make_benchmark(1, slug="first"), make_benchmark(1, slug="second")
    [both] = make_answers(first, "red", name="Both")
    both.answers.create(prompt=second.prompts.get(), turns=["red"])
    for number in range(120):
        make_competitor(f"Model {number:03}")
    with django_assert_max_num_queries(3):  # how many there are, how many were withdrawn, one page
        page = text(client.get("/models/"))
    assert "First, Second" in page
    assert "no answers yet" in page
    assert "Page 1 of 2" in page
    assert "Model 119" in text(client.get("/models/?page=2"))


def test_the_list_leaves_out_what_came_to_nothing(client):
    entries = [make_endpoint(make_benchmark(1), "http://h/v1") for _ in range(3)]
    waits, refused, half = entries
    for entry in (refused, half):
        entry.fail("not_found", "There is no such model.")
    half.competitor.answers.create(prompt=half.benchmark.prompts.get(), submission=half, turns=["red"])
    page = text(client.get("/models/"))
    shown = [f">{entry.competitor.name}<" in page for entry in (waits, refused, half)]
    assert shown == [True, False, True]


def test_nothing_submitted_yet(client):
    assert "No models yet" in text(client.get("/models/"))


def test_a_model_on_its_boards(client):
    benchmark, judge = make_benchmark(1, slug="bench"), make_judge("gpt")
    hornbeam = make_competitor(
        "Hornbeam", organisation="Acme", description="A tree.", sampling={"top_p": 0.9}
    )
    other = make_competitor("Bittern")
    make_board(benchmark, {hornbeam: 1150, other: 850})
    make_board(benchmark, {hornbeam: 990, other: 1010}, judge=judge)
    make_board(benchmark, {hornbeam: 1000, other: 999}, category="odd")
    page = text(client.get(hornbeam.get_absolute_url()))
    for known in ("Hornbeam", "Acme", "A tree.", "top_p", "1150", "990", "By category", "category=odd"):
        assert known in page
    assert "/leaderboard/?benchmark=bench&amp;source=gpt" in page
    assert "20 votes</td>" in page  # people's board counts votes
    assert "20 matches</td>" in page  # a judge's counts matches
    assert client.get("/models/nobody/").status_code == 404


def test_an_unrated_model_says_why(client):
    elm = make_competitor("Elm")
    assert "On no board yet" in text(client.get(elm.get_absolute_url()))
    make_board(make_benchmark(1), {elm: None})
    assert "no matches" in text(client.get(elm.get_absolute_url()))


def test_matches_are_told_from_the_models_side(client):
    benchmark = make_benchmark(1)
    one, other = make_answers(benchmark, "red", "green")
    [match] = make_matches(benchmark)
    for winner in (Winner.MODEL_A, Winner.MODEL_A, Winner.MODEL_B, Winner.BOTH_BAD):
        make_vote(match, winner)
    firm, torn, mute = make_judge("firm"), make_judge("torn"), make_judge("mute")
    make_judgment(firm, match, Order.AB, Verdict.FIRST)
    make_judgment(firm, match, Order.BA, Verdict.SECOND)
    make_judgment(torn, match, Order.AB, Verdict.FIRST)
    make_judgment(torn, match, Order.BA, Verdict.FIRST)
    make_judgment(mute, match, Order.AB, None)
    page = text(client.get(one.get_absolute_url()))
    assert "2 won, 1 lost, 1 both bad" in page
    for judge, word in (("firm", "won"), ("torn", "inconsistent"), ("mute", "unscored")):
        assert f"{judge}</span> {word}" in page
    page = text(client.get(other.get_absolute_url()))
    assert "1 won, 2 lost, 1 both bad" in page
    assert "firm</span> lost" in page


def test_matches_come_in_pages_of_twenty(client, django_assert_max_num_queries):
    benchmark = make_benchmark(6)
    hornbeam, *_ = make_answers(benchmark, "red", "green", "blue", "grey", "pink")
    make_matches(benchmark)  # 6 prompts with 4 opponents: 24 matches of this model
    for match in Match.objects.all():
        make_vote(match)
    with django_assert_max_num_queries(8):
        page = text(client.get(hornbeam.get_absolute_url()))
    assert "24 matches" in page
    assert page.count('data-label="Against"') == 20
    assert text(client.get(f"{hornbeam.get_absolute_url()}?page=2")).count('data-label="Against"') == 4
