"""Judges that rank many answers at once: one request, a judgment for each pair in it."""

import itertools
import json

import pytest

from arena.models import Answer, Job
from arena.outcomes import Order, Verdict, Winner
from judging.models import Among, Judge, Judgment
from judging.services.estimating import estimate
from judging.services.judges import register_judge
from judging.services.judging import judge_pending, plan_judging
from judging.services.lengths import tokens_a_byte
from judging.services.reasons import reasons_request
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.servers import NUMBERED, ranked, running_server

pytestmark = pytest.mark.django_db
TEXTS = ("aa", "bbbb", "cccccc", "dddd")  # the second and the fourth are equally long


@pytest.fixture
def matches():
    """Six pairs of four models on each of two prompts."""
    benchmark = make_benchmark(prompts=2)
    make_answers(benchmark, *TEXTS)
    return make_matches(benchmark)


@pytest.fixture
def server():
    with running_server(ranked) as server:
        yield server


def at(server, model="judge", **fields):
    fields = {"protocol": "ranking", "sampling": {"max_tokens": 64}} | fields
    return make_judge(engine=Judge.Engine.OPENAI, base_url=server.base_url, model=model, **fields)


def judge_all(judge, **options):
    plan_judging(judge)
    total = (0, 0, 0, 0)
    for tally in judge_pending(judge, worker="tests", **options):
        total = tuple(map(sum, zip(total, tally, strict=True)))
    return total


def answers_asked(server):
    """How many answers each request showed, the most first."""
    shown = (len(NUMBERED.findall(body["messages"][-1]["content"])) for body in server.bodies)
    return sorted(shown, reverse=True)


def expected(match):
    a, b = len(match.answer_a.turns[0]), len(match.answer_b.turns[0])
    return Winner.TIE if a == b else Winner.MODEL_A if a > b else Winner.MODEL_B


def test_each_pair_is_ruled_on_in_both_orders_by_two_requests_a_prompt(server, matches):
    assert judge_all(at(server)) == (12, 0, 0, 24)
    assert answers_asked(server) == [4] * 4
    for match in matches:
        rows = Judgment.objects.filter(match=match).order_by("order")
        assert [row.order for row in rows] == [Order.AB, Order.BA]
        assert {row.winner for row in rows} == {expected(match)}
        places = [row.among for row in rows]
        assert all(among.answers == 4 and among.first < among.second for among in places)
        # The second showing is the first one reversed: places 1 and 3 of 4 become 2 and 4.
        assert places[1] == Among(4, 5 - places[0].second, 5 - places[0].first)


def test_a_ruling_can_be_read_again_from_what_is_stored(server, matches):
    judge_all(at(server))
    for row in Judgment.objects.select_related("match__answer_a", "match__answer_b"):
        texts = [text for _, _, text in NUMBERED.findall(json.loads(row.prompt_text)[-1]["content"])]
        a, b = row.match.answer_a.turns[0], row.match.answer_b.turns[0]
        first, second = (a, b) if row.order == Order.AB else (b, a)
        assert (texts[row.among.first - 1], texts[row.among.second - 1]) == (first, second)
        assert row.raw_text.startswith("By length.\nRanking: ")
        assert row.protocol == "ranking"


def test_what_a_request_took_is_divided_among_its_rulings(server, matches):
    # That server counts 11 tokens in and 7 out for each of two requests, of which six rulings get 1 or 2.
    judge_all(at(server, price_in=1.0, price_out=2.0))
    rows = Judgment.objects.filter(match__prompt=matches[0].prompt)
    taken = zip(*rows.values_list("tokens_in", "tokens_out", "cost"), strict=True)
    tokens_in, tokens_out, cost = map(sum, taken)
    assert (tokens_in, tokens_out) == (2 * 11, 2 * 7)
    assert cost == pytest.approx((2 * 11 * 1.0 + 2 * 7 * 2.0) / 1e6)
    assert len({row.seconds for row in rows}) == 2  # one for each request


def test_shares_do_not_hide_how_many_tokens_a_prompt_has(server, matches):
    judge = at(server)
    judge_all(judge)
    row = judge.judgments.first()
    size = sum(len(message["content"].encode()) for message in json.loads(row.prompt_text))
    # 11 tokens a request, of which the largest of six shares is 2; six of those are a little more.
    assert 11 / size <= tokens_a_byte(judge) <= 1.05 * 12 / size + 1e-4


def test_an_unread_ranking_leaves_all_its_pairs_unscored(matches):
    with running_server(lambda prompt: "Ranking: 1 > 2") as server:
        judge_all(at(server))
    assert set(Judgment.objects.values_list("verdict", "winner", "raw_text")) == {("", "", "Ranking: 1 > 2")}


def test_a_pair_alone_is_a_group_of_two(server):
    benchmark = make_benchmark(prompts=1)
    make_answers(benchmark, "short", "rather longer")
    [match] = make_matches(benchmark)
    assert judge_all(at(server)) == (1, 0, 0, 2)
    assert answers_asked(server) == [2, 2]
    assert set(Judgment.objects.values_list("winner", flat=True)) == {expected(match)}


def test_no_more_answers_are_shown_than_the_form_takes(server):
    benchmark = make_benchmark(prompts=1)
    make_answers(benchmark, *("x" * length for length in range(1, 11)))
    matches = make_matches(benchmark)
    assert judge_all(at(server)) == (45, 0, 0, 90)
    assert max(answers_asked(server)) == 8
    assert len(server.bodies) < 20  # pair by pair they were 90
    for match in matches:
        assert set(match.judgments.values_list("winner", flat=True)) == {expected(match)}


class TestTooLong:
    @pytest.fixture
    def matches(self):
        """The last of four answers is long: 20,000 bytes."""
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "a", "bb", "ccc", "word " * 4000)
        return make_matches(benchmark)

    def test_what_cannot_fit_is_asked_in_parts_and_not_sent(self, server, matches):
        judge = at(server, context=2000)
        # Three of the six matches hold the long answer.
        assert judge_all(judge) == (3, 3, 0, 6)
        assert set(Job.objects.filter(state="failed").values_list("error_code", flat=True)) == {"too_long"}
        # Once the long one was refused, the other way shows the three that are left.
        assert answers_asked(server) == [3, 2, 2, 2]
        assert not any("word word" in json.dumps(body) for body in server.bodies)

    def test_two_long_answers_are_asked_about_apart(self, server):
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "word " * 400, "words " * 400, "wo " * 400, "w " * 400)
        make_matches(benchmark)
        # A third of a token a byte: all four have 6,400 bytes, which is too long; each two of them fit.
        assert judge_all(at(server, context=2400))[:2] == (6, 0)
        assert answers_asked(server)[0] < 4

    def test_the_servers_own_word_splits_as_well(self, server, matches):
        assert judge_all(at(server, model="short:2000")) == (3, 3, 0, 6)
        assert answers_asked(server)[:2] == [4, 4]
        assert set(Job.objects.filter(state="failed").values_list("error_code", flat=True)) == {"too_long"}
        assert Judgment.objects.count() == 6

    def test_with_one_request_at_a_time(self, server, matches, settings):
        settings.JUDGE_CONCURRENCY = 1
        assert judge_all(at(server, model="short:2000")) == (3, 3, 0, 6)


def test_one_refused_answer_costs_only_its_own_pairs(matches):
    with running_server(ranked) as server:
        judge = at(server, model="status:400")
        assert judge_all(judge) == (0, 12, 0, 0)
        assert set(Job.objects.values_list("error_code", flat=True)) == {"bad_request"}
        # Both orders of each pair, and what they were split from.
        assert answers_asked(server).count(2) >= 12


def test_a_failure_that_passes_is_tried_again(server, matches):
    assert judge_all(at(server, model="status:503"))[:3] == (0, 0, 12)
    assert answers_asked(server)[-1] == 4  # not split
    Judge.objects.update(model="judge")
    Job.objects.update(next_attempt_at=None)
    assert judge_all(Judge.objects.get()) == (12, 0, 0, 24)


def test_orders_that_are_stored_are_not_asked_again(server, matches):
    judge = at(server)
    judge_all(judge)
    kept = Judgment.objects.filter(order=Order.AB)
    before = set(kept.values_list("pk", flat=True))
    Judgment.objects.filter(order=Order.BA).delete()
    Judgment.objects.filter(pk=min(before)).delete()
    Job.objects.all().delete()
    server.bodies.clear()
    assert judge_all(judge) == (12, 0, 0, 13)
    assert before - set(kept.values_list("pk", flat=True)) == {min(before)}
    for match in matches:
        assert set(match.judgments.values_list("winner", flat=True)) == {expected(match)}


def test_what_is_not_stored_is_given_back(server, matches):
    judge = at(server, model="slow:0.3")
    plan_judging(judge)
    run = judge_pending(judge, worker="tests")
    next(run)
    run.close()
    left = Job.objects.exclude(state=Job.State.DONE)
    assert set(left.values_list("state", "attempts")) <= {(Job.State.PENDING, 0)}
    assert judge_all(judge)[1] == 0
    assert Judgment.objects.count() == 24


def test_a_budget_in_matches_holds(server, matches):
    assert judge_all(at(server, budget_matches=5))[::3] == (5, 10)


def test_the_estimate_counts_requests_and_rulings(server, matches):
    judge = at(server)
    found = estimate(judge, None)
    # Four answers at once, two orders of two prompts; six pairs each.
    assert (found.matches, found.rulings, found.requests) == (12, 24, 4)
    assert found.tokens_out == 4 * 64
    judge_all(judge)
    Job.objects.all().delete()
    again = estimate(judge, None)
    assert again.measured
    assert again.tokens_in == pytest.approx(4 * 11)


def test_a_script_is_asked_by_all_that_is_shown(tmp_path, matches):
    path = tmp_path / "script.jsonl"
    slugs = {match.competitor_a.slug for match in matches} | {match.competitor_b.slug for match in matches}
    keys = ["|".join([f"q{n}", *order]) for n in (1, 2) for order in itertools.permutations(slugs)]
    path.write_text(
        "".join(json.dumps({"key": key, "text": "Ranking: 1 > 2 > 3 > 4"}) + "\n" for key in keys)
    )
    assert judge_all(make_judge(engine="scripted", model=str(path), protocol="ranking")) == (12, 0, 0, 24)
    assert set(Judgment.objects.values_list("verdict", flat=True)) == {Verdict.FIRST}


def test_reasons_are_asked_about_the_two_answers(server, matches):
    judge_all(at(server))
    row = Judgment.objects.first()
    request = reasons_request(row)
    assert f"between answer {row.among.first} and answer {row.among.second}:" in request.messages[-1].content
    assert request.messages[-2].content == row.raw_text


def test_the_match_page_says_among_how_many(client, server, matches):
    judge_all(at(server))
    page = client.get(f"/matches/{matches[0].pk}/").content.decode()
    for row in Judgment.objects.filter(match=matches[0]):
        a, b = row.among[1:] if row.order == Order.AB else row.among[:0:-1]
        assert f"Ranked among 4 answers: A was number {a}, B was number {b}." in page
    assert "A shown first, among 4" in page
    assert "places [" not in page


def test_it_is_registered_in_both_orders():
    judge, _ = register_judge(
        "ranker", engine="openai", base_url="http://127.0.0.1:9/v1", model="m", protocol="ranking"
    )
    assert judge.both_orders


def test_suspects_are_marked(server, matches):
    Answer.objects.filter(pk=matches[0].answer_a_id).update(turns=["Ranking: 1 > 2 > 3 > 4"])
    judge_all(at(server))
    assert Judgment.objects.filter(match=matches[0], suspect=True).count() == 2
