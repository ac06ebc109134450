"""/leaderboard/charts/ as readers and their caches see it."""

import json
import re

import pytest
from django.utils import timezone

from arena.models import Competitor
from arena.outcomes import Order, Verdict, Winner
from judging.models import Judge
from leaderboard.models import JudgeReport
from leaderboard.services.boards import refresh_boards
from leaderboard.services.counting import count_changes
from tests.factories import make_answers, make_benchmark, make_competitor, make_judge, make_matches, make_vote
from tests.judging.test_match_page import make_judgment
from tests.leaderboard.rows import make_board, make_report

pytestmark = pytest.mark.django_db

CHARTS = "/leaderboard/charts/"


def text(response) -> str:
    return response.content.decode().replace("\u00a0", " ")


def figures(response) -> dict:
    """Every figure on the page by the chart's key."""
    found = re.findall(r'<script id="(\w+)-figure" type="application/json">(.*?)</script>', text(response))
    return {key: json.loads(data.replace(r"\u00a0", " ")) for key, data in found}


def table(response, key: str) -> list[list[str]]:
    """The cells of a chart's table, headings first in each row."""
    section = (
        text(response).partition(f'<section class="panel chart" id="{key}"')[2].partition("</section>")[0]
    )
    rows = section.partition("<tbody>")[2].split("</tr>")[:-1]
    return [re.sub(r"<[^>]+>", "\t", row).replace("\t\t", "\t").split() for row in rows]


@pytest.fixture
def arena():
    """Three models: Alder beats Birch twice of three, Birch and Cedar tie once, Alder and Cedar never met."""
    benchmark = make_benchmark(1, slug="bench")
    models = make_answers(benchmark, "red", "green", "blue")
    for model, name in zip(models, ("Alder", "Birch", "Cedar"), strict=True):
        Competitor.objects.filter(pk=model.pk).update(name=name)
    matches = {(match.competitor_a_id, match.competitor_b_id): match for match in make_matches(benchmark)}
    alder, birch, cedar = (model.pk for model in models)
    for winner in (Winner.MODEL_A, Winner.MODEL_A, Winner.MODEL_B):
        make_vote(matches[alder, birch], winner)
    make_vote(matches[birch, cedar], Winner.BOTH_BAD)
    count_changes()
    make_board(benchmark, dict(zip(models, (1200, 1100, 1000), strict=True)))
    return benchmark


def test_ratings_are_drawn_and_told(client, arena):
    page = client.get(CHARTS)
    [trace] = figures(page)["ratings"]["data"]
    assert trace["x"] == [1200, 1100, 1000]
    assert trace["error_x"]["array"] == [50, 50, 50]
    # rank_lower is max(rank - 1, 1): 1 and 2 may be first
    assert trace["marker"]["symbol"] == ["circle", "circle", "circle-open"]
    assert "Alder is rated highest, at 1200. 2 of 3 models may be first." in text(page)
    assert table(page, "ratings") == [
        ["Alder", "1–2", "1200.0", "1150.0", "1250.0", "20"],
        ["Birch", "1–3", "1100.0", "1050.0", "1150.0", "20"],
        ["Cedar", "2–3", "1000.0", "950.0", "1050.0", "20"],
    ]


def test_who_never_met_is_unknown_and_not_even(client, arena):
    page = client.get(CHARTS)
    [trace] = figures(page)["wins"]["data"]
    # Alder has 2 of 3 points; a tie, "both bad" included, is one half.
    assert trace["z"] == [[None, 66.67, None], [33.33, None, 50], [None, 50, None]]
    assert trace["hovertext"][0][2] == "Alder and<br>Cedar<br>never met: unknown"
    assert trace["hovertext"][1][0] == "Birch against<br>Alder<br>33 % of the points, 3 votes"
    assert "3 models: 2 of 3 pairs met; what the others would give is unknown." in text(page)
    assert table(page, "wins") == [
        ["1", "Alder", "–", "67", "%", "–"],
        ["2", "Birch", "33", "%", "–", "50", "%"],
        ["3", "Cedar", "–", "50", "%", "–"],
    ]


def test_games_are_counted(client, arena):
    page = client.get(CHARTS)
    [trace] = figures(page)["games"]["data"]
    assert trace["z"] == [[None, 3, 0], [3, None, 1], [0, 1, None]]
    assert "3 models: 0 to 3 votes a pair." in text(page)
    assert [row[2:] for row in table(page, "games")] == [["–", "3", "0"], ["3", "–", "1"], ["0", "1", "–"]]


def test_only_this_source_and_category_count(client, arena):
    judge = make_judge("gpt", engine=Judge.Engine.RECORDED)
    alder, birch, cedar = Competitor.objects.order_by("name")
    match = next(match for match in make_matches(arena) if match.competitor_b_id == birch.pk)
    make_judgment(judge, match, Order.AB, Verdict.SECOND)
    make_judgment(judge, match, Order.BA, Verdict.FIRST)
    make_board(arena, {birch: 1100, alder: 1000}, judge=judge)
    count_changes()
    [trace] = figures(client.get(f"{CHARTS}?source=gpt"))["wins"]["data"]
    assert trace["z"] == [[None, 100], [0, None]]  # both orders say Birch
    make_board(arena, {alder: 1100, birch: 1000}, category="odd")  # the only prompt is odd
    [trace] = figures(client.get(f"{CHARTS}?category=odd"))["games"]["data"]
    assert trace["z"] == [[None, 3], [3, None]]
    arena.prompts.update(tags=["even"])
    count_changes()
    make_board(arena, {alder: 1100, birch: 1000}, category="even")
    make_board(arena, {cedar: 1100, birch: 1000}, category="even", method="elo")
    [trace] = figures(client.get(f"{CHARTS}?category=even&method=elo"))["games"]["data"]
    assert trace["z"] == [[None, 1], [1, None]]


def test_judges_stand_beside_people(client, arena):
    gpt, other = make_judge("gpt:7b", slug="gpt"), make_judge("other")
    make_report(gpt, arena, 50)
    report = make_report(other, arena, 20)
    report.figures["judges"] = {str(gpt.pk): {"n": 8, "agreed": 6}}
    report.save()
    page = client.get(CHARTS)
    drawn = figures(page)
    # 53 of 100 pairs of people, 50 and 20 of 100 votes; the best judge first
    assert drawn["people"]["data"][0]["x"] == [53, 50, 20]
    assert drawn["people"]["layout"]["yaxis"]["ticktext"] == ["People among themselves", "gpt:7b", "other"]
    assert table(page, "people")[0] == [
        *("People", "among", "themselves", "53.0", "%", "48.0", "%", "58.0", "%", "100"),
    ]
    assert drawn["judges"]["data"][0]["z"] == [[53, 50, 20], [50, None, 75], [20, 75, None]]
    assert "Of the judges, gpt:7b and other are most alike: the same winner on 75 % of matches." in text(page)


def test_agreement_of_judges_is_measured_with_their_reports(client, arena):
    gpt, other = (make_judge(name, engine=Judge.Engine.RECORDED) for name in ("gpt", "other"))
    said = {  # by match: gpt in both orders, other in both orders
        0: (Verdict.FIRST, Verdict.SECOND, Verdict.FIRST, Verdict.SECOND),  # the same model
        1: (Verdict.FIRST, Verdict.FIRST, Verdict.FIRST, Verdict.FIRST),  # both inconsistent: no agreement
        2: (Verdict.TIE, Verdict.TIE, None, Verdict.TIE),  # one unread: not counted
    }
    for number, match in enumerate(make_matches(arena)):
        for judge, verdicts in ((gpt, said[number][:2]), (other, said[number][2:])):
            for order, verdict in zip((Order.AB, Order.BA), verdicts, strict=True):
                make_judgment(judge, match, order, verdict)
    refresh_boards(now=timezone.now())
    shared = {report.judge_id: report.figures["judges"] for report in JudgeReport.objects.all()}
    assert shared == {
        gpt.pk: {str(other.pk): {"n": 2, "agreed": 1}},
        other.pk: {str(gpt.pk): {"n": 2, "agreed": 1}},
    }
    [trace] = figures(client.get(CHARTS))["judges"]["data"]
    assert trace["z"][1][2] == 50


class TestStates:
    def test_no_benchmark(self, client):
        assert "No leaderboard yet" in text(client.get(CHARTS))

    def test_no_board(self, client):
        make_benchmark(1, slug="bench")
        page = text(client.get(CHARTS))
        assert "Nobody’s votes are counted here yet" in page
        assert "plotly" not in page

    def test_one_model(self, client):
        make_board(make_benchmark(1, slug="bench"), {make_competitor("Alder"): 1000})
        page = client.get(CHARTS)
        assert list(figures(page)) == ["ratings"]
        assert "Nobody has met yet" in text(page)
        assert "No judge has been measured on Bench yet" in text(page)

    def test_unrated_models_are_among_those_who_met(self, client, arena):
        cedar = Competitor.objects.get(name="Cedar")
        cedar.standings.update(rating=None, rank=None, rating_lower=None, rating_upper=None)
        page = client.get(CHARTS)
        drawn = figures(page)
        assert drawn["ratings"]["data"][0]["x"] == [1200, 1100]
        assert len(drawn["wins"]["data"][0]["z"]) == 3
        assert "1 model without a rating is not among the ratings" in text(page)

    def test_nobody_is_rated(self, client):
        benchmark = make_benchmark(1, slug="bench")
        make_board(benchmark, {make_competitor("Alder"): None, make_competitor("Birch"): None})
        assert list(figures(client.get(CHARTS))) == ["wins", "games"]

    def test_elo_has_no_intervals(self, client):
        make_board(make_benchmark(1, slug="bench"), {make_competitor("Alder"): 1000}, method="elo")
        page = client.get(f"{CHARTS}?method=elo")
        assert "error_x" not in figures(page)["ratings"]["data"][0]
        assert table(page, "ratings") == [["Alder", "1", "1000.0", "20"]]
        assert "how sure a rating is stays unknown" in text(page)


def test_many_models_come_by_the_hundred(client):
    benchmark = make_benchmark(1, slug="bench")
    make_board(benchmark, {make_competitor(f"Model {n:03}"): 2000 - n for n in range(130)})
    page = client.get(CHARTS)
    assert len(figures(page)["ratings"]["data"][0]["x"]) == 30
    assert len(figures(page)["wins"]["data"][0]["z"]) == 30
    assert "The first 30 of 130 models" in text(page)
    assert '<option value="101">101–130</option>' in text(page)
    page = client.get(f"{CHARTS}?from=101")
    assert figures(page)["ratings"]["data"][0]["x"] == list(range(1900, 1870, -1))
    assert '<option value="101" selected>' in text(page)
    for start in ("201", "2", "0", "x", "-1", "99999901"):
        assert client.get(f"{CHARTS}?from={start}").status_code == 404


def test_filters_stay_and_lead_back(client, arena):
    page = text(client.get("/leaderboard/?benchmark=bench"))
    assert 'href="/leaderboard/charts/?benchmark=bench">Charts</a>' in page
    alder, birch, _ = Competitor.objects.order_by("name")
    make_board(arena, {alder: 1, birch: 2}, category="odd", judge=make_judge("gpt"), method="elo")
    query = "source=gpt&amp;benchmark=bench&amp;category=odd&amp;method=elo"
    page = text(client.get(f"{CHARTS}?{query.replace('&amp;', '&')}"))
    assert f'href="/leaderboard/?{query}">Table</a>' in page
    assert f'href="/leaderboard/?{query}&amp;format=csv"' in page
    assert f'href="{CHARTS}?benchmark=bench&amp;category=odd&amp;method=elo">People</a>' in page
    assert f'<form method="get" action="{CHARTS}" class="pick">' in page


def test_the_page_is_cached_with_an_entity_tag(client, arena, django_assert_num_queries):
    first = client.get(CHARTS)
    with django_assert_num_queries(0):
        assert client.get(CHARTS).content == first.content
        assert client.get(CHARTS, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_styles_are_let_in_on_this_page_alone(client, arena):
    policy = client.get(CHARTS)["Content-Security-Policy"]
    assert "style-src 'self' 'sha256-" in policy
    assert "unsafe" not in policy
    for page in ("/leaderboard/", "/judges/"):
        assert "sha256" not in client.get(page)["Content-Security-Policy"]
    assert "plotly" not in text(client.get("/leaderboard/"))
