"""/judges/ and /judges/<slug>/."""

import pytest
from django.urls import reverse

from arena.models import Job
from arena.outcomes import Order, Verdict, Winner
from judging.models import Judge, differences
from leaderboard.views.cached import CACHE
from tests.factories import make_answers, make_benchmark, make_judge, make_matches, make_vote
from tests.judging.test_match_page import make_judgment
from tests.leaderboard.rows import make_board, make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture
def benchmark():
    return make_benchmark(1, slug="bench")


def text(response) -> str:
    return response.content.decode().replace("\u00a0", " ")


def test_judges_stand_by_agreement_under_peoples_ceiling(client, benchmark):
    for name, agreed in (("poor", 30), ("good", 50), ("fair", 41)):
        make_report(make_judge(name), benchmark, agreed)
    page = text(client.get("/judges/"))
    assert "two people agree with each other on 53 % of votes" in page
    assert "the best judge, good, agrees with them on 50 %" in page
    places = [page.index(f'/judges/{name}/?benchmark=bench">{name}</a>') for name in ("good", "fair", "poor")]
    assert places == sorted(places)
    assert "people 53 %" in page
    assert "a guess 33 %" in page


def test_the_random_judge_is_the_floor_where_there_is_one(client, benchmark):
    make_report(make_judge("random", model="random"), benchmark, 12)
    make_report(make_judge("good"), benchmark, 50)
    page = text(client.get("/judges/"))
    assert "random 12 %" in page
    assert "a guess" not in page


def test_a_judge_that_met_few_votes_is_not_called_the_best(client, benchmark):
    make_report(make_judge("lucky"), benchmark, agreed=3, n=3)
    make_report(make_judge("good"), benchmark, agreed=50, n=100)
    assert "the best judge, good," in text(client.get("/judges/"))


def test_each_benchmark_has_its_own_figures(client, benchmark):
    judge = make_judge("gpt")
    make_report(judge, benchmark, 50)
    make_report(judge, make_benchmark(1, slug="other"), 20)
    assert "agrees with them on 20 %" in text(client.get("/judges/?benchmark=other"))
    assert "agrees with them on 50 %" in text(client.get("/judges/"))
    assert client.get("/judges/?benchmark=nope").status_code == 404


def test_judges_without_rulings_are_listed_apart(client):
    assert "No judges yet" in text(client.get("/judges/"))
    CACHE.clear()
    make_judge("newcomer")
    page = text(client.get("/judges/"))
    assert "Not measured yet" in page
    assert "newcomer" in page
    assert "It has not ruled on any match yet." in text(client.get("/judges/newcomer/"))


def test_a_judge_in_one_sentence(client, benchmark):
    make_report(make_judge("gpt"), benchmark, 41)
    page = text(client.get("/judges/gpt/"))
    assert "Agrees with people on <b>41 %</b> of votes; people agree with each other on <b>53 %</b>." in page
    assert "One order only" in page
    assert "It chose the first answer 6 times, the second 3 times, and a tie 1 times." in page
    assert client.get("/judges/nobody/").status_code == 404
    assert client.get("/judges/gpt/?benchmark=nope").status_code == 404


def test_position_and_reading_where_both_orders_were_asked(client, benchmark):
    position = {"judgments": 1000, "scored": 993, "coverage": 0.993, "pairs": 490, "consistent": 441}
    position |= {"consistency": 0.9, "first_share": 0.55, "bias_first": 0.08, "bias_second": 0.02}
    make_report(make_judge("gpt"), benchmark, one_order=False, **position)
    page = text(client.get("/judges/gpt/"))
    assert "<b>90 %</b> the same winner in both orders" in page
    assert "441 of 490 pairs" in page
    assert "<b>55 %</b> of its decisive verdicts" in page
    assert "99.3 %" in page
    assert "7 of 1,000 rulings are unscored" in page


def test_a_judge_of_whom_nothing_could_be_read_says_so(client, benchmark):
    nothing = {
        "judgments": 20,
        "scored": 0,
        "coverage": 0.0,
        "pairs": 0,
        "consistent": 0,
        "consistency": None,
    }
    make_report(make_judge("mumbler"), benchmark, one_order=False, **nothing)
    page = text(client.get("/judges/mumbler/"))
    assert "None of its rulings could be read, so its agreement with people is unknown." in page
    assert "No match could be read in both orders." in page
    assert "20 of 20 rulings are unscored" in page


def test_the_page_links_its_board_and_versions(client, benchmark):
    judge = make_judge("gpt")
    make_judge("gpt", version=2, slug="gpt-v2")
    make_report(judge, benchmark)
    make_board(benchmark, {}, judge=judge)
    page = text(client.get("/judges/gpt/"))
    assert "/leaderboard/?benchmark=bench&amp;source=gpt" in page
    assert "/judges/gpt-v2/" in page


def test_where_it_differs_from_people(client, benchmark):
    judge = make_judge("gpt", engine=Judge.Engine.RECORDED)
    make_answers(benchmark, "red", "green", "blue", "grey")
    clear, close, agreeing, unread, torn, _ = make_matches(benchmark)
    for match, votes in (
        (clear, [Winner.MODEL_B] * 3),
        (close, [Winner.MODEL_B, Winner.BOTH_BAD, Winner.MODEL_A]),
        (agreeing, [Winner.MODEL_A] * 3),
        (unread, [Winner.MODEL_B] * 3),
        (torn, [Winner.MODEL_B] * 3),
    ):
        for winner in votes:
            make_vote(match, winner)
    for match in (clear, close, agreeing):
        make_judgment(judge, match, Order.AB, Verdict.FIRST)
        make_judgment(judge, match, Order.BA, Verdict.SECOND)
    make_judgment(judge, unread, Order.AB, None)
    make_judgment(judge, torn, Order.AB, Verdict.FIRST)
    make_judgment(judge, torn, Order.BA, Verdict.FIRST)
    found = differences(judge, benchmark, limit=20)
    # In match terms the judge says model_a of all three. Of 3 votes, 3 and 2 differ; the lead of another
    # outcome over the judge's is 3 - 0 and 1 - 1. Both bad counts as a tie.
    assert [(row.match, row.winner, row.model_a, row.tie, row.model_b) for row in found] == [
        (clear, "model_a", 0, 0, 3),
        (close, "model_a", 1, 1, 1),
    ]
    make_report(judge, benchmark)
    page = text(client.get("/judges/gpt/"))
    assert '<b class="is-a">A</b></td>' in page
    assert '<span class="is-b">3 for B</span>' in page
    assert "1 for A</span>, <span" in page
    assert "more</summary>" not in page
    assert f"/matches/{clear.pk}/" in page
    assert f"/matches/{agreeing.pk}/" not in page


def test_all_but_the_clearest_differences_fold(client):
    benchmark = make_benchmark(5, slug="five")
    judge = make_judge("gpt", engine=Judge.Engine.RECORDED)
    make_answers(benchmark, "red", "green", "blue")
    matches = make_matches(benchmark)  # 5 prompts with 3 pairs each
    for match in matches:
        make_vote(match, Winner.MODEL_B)
        make_judgment(judge, match, Order.AB, Verdict.FIRST)
    make_report(judge, benchmark)
    page = text(client.get("/judges/gpt/"))
    before, after = page.split("<summary>9 more</summary>")  # 15 - 6
    assert before.count("/matches/") == 6
    assert after.count("/matches/") == 9


def test_votes_of_another_turn_are_not_compared(benchmark):
    judge = make_judge("gpt", engine=Judge.Engine.RECORDED)
    make_answers(benchmark, "red", "green")
    [match] = make_matches(benchmark)
    make_judgment(judge, match, Order.FOLDED, None, turn=1, winner=Winner.MODEL_A)
    make_vote(match, Winner.MODEL_B, turn=2)
    assert differences(judge, benchmark, limit=20) == []
    make_vote(match, Winner.MODEL_B, turn=1)
    assert [row.turn for row in differences(judge, benchmark, limit=20)] == [1]


def test_the_pages_cost_few_queries(client, benchmark, django_assert_max_num_queries):
    for number in range(20):
        make_report(make_judge(f"judge-{number}"), benchmark, number)
    with django_assert_max_num_queries(5):
        client.get("/judges/")
    with django_assert_max_num_queries(8):
        client.get("/judges/judge-3/")


class TestAdmin:
    def test_pause_and_resume(self, client, olga):
        judge, recorded = make_judge("gpt"), make_judge("old", engine=Judge.Engine.RECORDED, is_active=False)
        client.force_login(olga)
        for action, active in (("pause", False), ("resume", True)):
            data = {"action": action, "_selected_action": [judge.pk, recorded.pk]}
            assert client.post("/admin/judging/judge/", data).status_code == 302
            judge.refresh_from_db()
            recorded.refresh_from_db()
            assert judge.is_active is active
            assert recorded.is_active is False

    def test_what_a_judge_is_stays_fixed_once_it_has_ruled(self, client, olga, benchmark):
        judge = make_judge("gpt")
        client.force_login(olga)
        address = f"/admin/judging/judge/{judge.pk}/change/"
        assert 'name="model"' in text(client.get(address))
        make_answers(benchmark, "red", "green")
        [match] = make_matches(benchmark)
        judgment = make_judgment(judge, match, Order.AB, Verdict.TIE)
        page = text(client.get(address))
        assert 'name="model"' not in page
        assert 'name="description"' in page
        shown = client.get(f"/admin/judging/judgment/{judgment.pk}/change/")
        assert shown.status_code == 200
        assert 'name="_save"' not in text(shown)
        for listing in ("judging/judgment", "leaderboard/board", "leaderboard/judgereport"):
            assert client.get(f"/admin/{listing}/").status_code == 200


def test_a_judge_that_cannot_work_says_so_without_saying_where(client, olga):
    judge = make_judge("away")
    error = {"error_code": "unreachable", "error": "The connection to 10.0.0.7:8000 failed."}
    for match in (1, 2):
        Job.objects.create(kind="judge", owner=judge.pk, subject=match, **error)
    address = reverse("judge", args=[judge.slug])
    page = client.get(address).content.decode()
    assert "2 matches wait: its server does not answer." in page
    assert "10.0.0.7" not in page
    for code, waits in (("too_long", False), ("budget_spent", True)):  # what is too long waits for nothing
        Job.objects.update(error_code=code)
        CACHE.clear()
        page = client.get(address).content.decode()
        assert ("2 matches wait: its budget is spent." in page) == waits
        assert ("matches wait" in page) == waits
    client.force_login(olga)
    assert f"/admin/arena/job/?owner={judge.pk}" in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (0, "3 matches are not judged: its protocol is for other kinds of questions."),
        (2, "2 matches wait: its server does not answer in time."),
    ],
)
def test_matches_that_are_not_for_a_judge_do_not_wait(client, late, said):
    judge = make_judge("narrow")
    unfit = {"error_code": "unfit_protocol", "error": "x does not fit", "state": "failed"}
    for match in (1, 2, 3):
        Job.objects.create(kind="judge", owner=judge.pk, subject=match, **unfit)
    for match in range(4, 4 + late):
        Job.objects.create(kind="judge", owner=judge.pk, subject=match, error_code="timeout", error="late")
    assert said in client.get(reverse("judge", args=[judge.slug])).content.decode()
