"""What /judges/<slug>/ shows of a report below its head."""

import re

import pytest

from arena.models import Job
from leaderboard.models import JudgeReport
from leaderboard.views.cached import CACHE
from leaderboard.views.estimates import Shown
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.leaderboard.rows import make_estimate, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture
def report() -> JudgeReport:
    return make_report(make_judge("gpt"), make_benchmark(1, slug="bench"), 41)


def page_of(client, report: JudgeReport, **figures) -> str:
    """The page of a report with these figures besides, its tags and spaces thinned out."""
    report.figures |= figures
    report.save()
    text = client.get(f"/judges/{report.judge.slug}/").content.decode()
    text = text.replace("\u00a0", " ").replace("&nbsp;", " ")
    return re.sub(r"\s+", " ", re.sub(r"</?(b|span|td|th|tr)\b[^>]*>", " ", text))


def test_every_rule_stands_beside_people_in_the_order_of_the_sources(client, report):
    page = page_of(client, report)
    names = ["Each vote", "MT-bench S1", "MT-bench S2", "PandaLM", "JudgeLM", "Auto-J", "JudgeBench"]
    names += ["LLMBar", "RewardBench", "AlpacaEval"]
    names += ["Cohen’s kappa", "Gwet’s AC1", "Krippendorff’s alpha"]
    table = page[page.index('id="rules"') :]
    places = [table.index(f">{name}</button>") for name in names]
    assert places == sorted(places)
    assert "41 % 36–46 % 53 % 48–58 % 100" in table
    assert "0.20 0.15 to 0.25 0.31 0.26 to 0.36" in table  # kappa


def test_few_prompts_are_said(client, report):
    rule = report.figures["rules"]["each-vote"]
    rule["judge"]["agreement"] = {"value": 0.41, "lower": None, "upper": None, "prompts": 5}
    assert "41 % too few prompts" in page_of(client, report)


def test_rules_of_both_orders_say_when_there_is_one(client, report):
    unknown = {"value": None, "lower": None, "upper": None, "prompts": 0}
    report.figures["rules"]["auto-j"] = {"n": 0, "judge": {"agreement": unknown}, "people": {}}
    page = page_of(client, report)
    assert "one order only" in page[page.index(">Auto-J</button>") :][:900]


def test_position_has_intervals(client, report):
    places = {"consistency": 0.9, "bias_first": 0.08, "bias_second": 0.02, "delta": 0.06, "first_share": 0.55}
    position = {"pairs": 490, "consistent": 441, "one_order": False} | places
    position["estimates"] = {name: make_estimate(value, 0.01) for name, value in places.items()}
    position["estimates"]["first_preference"] = make_estimate(0.2, 0.1)
    page = page_of(client, report, position=report.figures["position"] | position)
    assert "90 % the same winner in both orders 89–91 %" in page
    assert "in 8 % of pairs (7–9 %); shown second, in 2 % (1–3 %)" in page
    assert "delta) of 6 % (5–7 %)" in page
    assert "in log-odds: 0.20 (0.10 to 0.30); 0 is none." in page


def test_style_stands_beside_peoples(client, report):
    row = {"name": "length", "value": 0.5, "lower": 0.2, "upper": 0.8, "prompts": 13}
    style = {"judge": [row], "people": [row | {"value": -0.1, "lower": None, "upper": None, "prompts": 3}]}
    page = page_of(client, report, style=style)
    assert "Longer 0.50 0.20 to 0.80" in page
    assert "−0.10 too few prompts" in page
    assert "one difference decides every ruling" not in page


def test_its_own_family(client, report):
    assert "Its name tells no family" in page_of(client, report)
    CACHE.clear()
    assert "It is a gpt model, told from its name." in page_of(client, report, family="gpt")
    CACHE.clear()
    own = {"n": 40, "judge": make_estimate(0.6), "people": make_estimate(0.48), "beyond": make_estimate(0.12)}
    page = page_of(client, report, family="gpt", self_preference=own)
    assert "+12 points of a hundred beyond people’s 7 to 17" in page
    assert "40 matches that people voted on, between a model of that family and another." in page


def test_categories(client, report):
    rule = report.figures["rules"]["each-vote"]
    page = page_of(client, report, categories={"math": rule, "code": rule})
    assert page.index(">code</a>") < page.index(">math</a>")
    assert "source=gpt&amp;category=code" in page


def test_calibration_shows_only_where_there_is_one(client, report):
    assert "calibration error" not in page_of(client, report)
    CACHE.clear()
    bins = [{"low": 0.7, "high": 0.8, "n": 20, "said": 0.75, "people": make_estimate(0.6)}]
    page = page_of(client, report, calibration={"n": 20, "error": make_estimate(0.15), "bins": bins})
    assert "over 20 votes the two are 0.15 (0.10 to 0.20) apart" in page
    assert "70–80 % 75 % 60 % 55–65 % 20" in page
    assert '<circle cx="75.0" cy="40.0"' in page  # 75 % to the right, 60 % up


def test_speed_tokens_and_cost(client, report):
    nothing = dict.fromkeys(("pairs_per_second", "seconds", "tokens_in", "tokens_out", "cost"))
    page = page_of(client, report, effort=nothing)
    assert "When it ruled was not recorded one by one." in page
    for words in ("tokens read", "at a price of", "could not be asked", "failed for other"):
        assert words not in page
    CACHE.clear()
    known = {"pairs_per_second": 2.345, "seconds": 12.4, "tokens_in": 1_630_000.0, "tokens_out": 20_000.0}
    make_answers(report.benchmark, "red", "green", "blue", "grey")
    causes = ["too_long"] * 3 + ["timeout", "server_error"]
    for match, code in zip(make_matches(report.benchmark), causes, strict=False):
        failed = {"state": Job.State.FAILED, "error_code": code}
        Job.objects.create(kind="judge", owner=report.judge.pk, subject=match.pk, **failed)
    page = page_of(client, report, effort=nothing | known)
    assert "2.3 matches a second" in page
    assert "One ruling took 12 s" in page
    assert "1,000 matches are 1,630,000 tokens read and 20,000 written." in page
    assert "3 matches could not be asked: question and answers are longer" in page
    assert "2 matches failed for other reasons." in page
    CACHE.clear()
    page = page_of(client, report, effort=nothing | known | {"cost": 4.5})
    assert "written, at a price of 4.50" in page


def test_a_report_of_an_older_kind_still_has_a_page(client, report):
    old = {"n": 100, "agreed": 41, "agreement": 0.41, "kappa": 0.2, "inconsistent": 0}
    page = page_of(client, report, rules={"each-vote": old})
    assert "Agrees with people on 41 % of votes" in page


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (Shown(0.41, 0.36, 0.46, 13, True), "41 % (36–46 %)"),
        (Shown(-0.1, -0.25, 0.05, 13), "−0.10 (−0.25 to 0.05)"),
        (Shown(0.41, None, None, 5, True), "41 % (too few prompts)"),
        (Shown(1.0, None, None, 30), "1.00"),  # the same on every prompt
        (Shown(), "–"),
    ],
)
def test_figures_with_their_intervals_in_words(shown, words):
    assert shown.full.replace("\u00a0", " ") == words
