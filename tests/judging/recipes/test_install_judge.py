"""``manage.py install_judge``: from a pinned file to a judge that rules, and everything that stops it."""

import io
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from arena.models import HostModel, Job
from arena.outcomes import INCONSISTENT, Verdict
from judging.models import InstalledRecipe, Judge, Judgment
from judging.recipes import RECIPES
from judging.services.judging import judge_pending, plan_judging
from judging.services.recipes import protocols_of, store_texts, take_texts
from tests.certificates import authority, server_context, sign
from tests.factories import make_answers, make_benchmark, make_judge, make_matches
from tests.judging.recipes import (
    test_alpaca_eval_2,
    test_flow_judge,
    test_judgelm,
    test_mt_bench,
    test_pandalm,
)
from tests.judging.recipes.standins import with_files
from tests.servers import running_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def recipes(monkeypatch):
    """The real recipes, pinned to stand-in files."""
    for name, file in (("judgelm", test_judgelm.FILE), ("pandalm", test_pandalm.FILE)):
        monkeypatch.setitem(RECIPES, name, with_files(RECIPES[name], file))


@pytest.fixture
def common(tmp_path):
    path = tmp_path / "common.py"
    path.write_text(test_judgelm.FILE)
    return path


@contextmanager
def https_server(folder, files, monkeypatch):
    """Files by their path, under a certificate that is trusted; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            """Nothing on the terminal."""

        def do_GET(self):
            body = files.get(self.path)
            status = 404 if body is None else 302 if body.startswith(b"http") else 200
            self.send_response(status)
            if status == 302:
                self.send_header("location", body.decode())
            self.end_headers()
            self.wfile.write(body or b"")

    (folder / "authority.pem").write_bytes(authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = server_context(folder, sign("127.0.0.1", by=authority()))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(*arguments, **options) -> str:
    out = io.StringIO()
    call_command("install_judge", *arguments, stdout=out, **options)
    return out.getvalue()


def at(host: str, monkeypatch) -> str:
    """JudgeLM, fetched from this host; its path there."""
    recipe = RECIPES["judgelm"]
    source = replace(recipe.sources[0], host=host)
    monkeypatch.setitem(RECIPES, "judgelm", replace(recipe, sources=(source,)))
    return source.url.removeprefix(host)


class TestInstalling:
    def test_the_texts_and_the_judge(self, common):
        said = run("judgelm-13b", source=[str(common)])
        row, judge = InstalledRecipe.objects.get(), Judge.objects.get()
        assert said == f"Installed judgelm-13b, asked by judgelm@{row.sha256[:12]}.\n"
        assert row.texts["pair.system"] == "You grade."
        assert RECIPES["judgelm"].sources[0].sha256 in row.source
        assert (judge.protocol, judge.engine, judge.both_orders) == (str(row), "vllm", True)
        assert judge.sampling == {"temperature": 0.2, "max_tokens": 48, "stop": ["\n"], "seed": 0}
        # vLLM refuses by itself what is longer than this, so that no prompt is ever cut.
        assert (judge.host_model.source, judge.host_model.max_model_len) == ("BAAI/JudgeLM-13B-v1.0", 2048)
        assert judge.host_model.revision == "refs/pr/1"

    def test_again_is_the_same(self, common):
        run("judgelm", source=[str(common)])
        assert run("judgelm", source=[str(common)]).startswith("Already installed: judgelm,")
        assert (InstalledRecipe.objects.count(), Judge.objects.count()) == (1, 1)

    def test_other_words_make_another_judge(self, common, monkeypatch):
        run("judgelm", source=[str(common)])
        changed = test_judgelm.FILE.replace("You grade.", "You grade well.")
        monkeypatch.setitem(RECIPES, "judgelm", with_files(RECIPES["judgelm"], changed))
        common.write_text(changed)
        run("judgelm", source=[str(common)])
        first, second = Judge.objects.order_by("version")
        assert first.protocol != second.protocol
        assert not first.is_active
        # The older one is still asked as it was.
        assert protocols_of(first)[first.protocol].texts["pair.system"] == "You grade."

    def test_from_a_checkout_and_with_another_model(self, tmp_path):
        place = tmp_path / "judgelm" / "llm_judge"
        place.mkdir(parents=True)
        (place / "common.py").write_text(test_judgelm.FILE)
        run(
            "judgelm",
            source=[str(tmp_path)],
            model="/srv/models/judge",
            name="mine",
            revision="v2",
            paused=True,
        )
        judge = Judge.objects.get()
        assert (judge.name, judge.model, judge.is_active) == ("mine", "judge", False)
        assert (judge.host_model.source, judge.host_model.revision) == ("/srv/models/judge", "v2")

    def test_over_https(self, tmp_path, monkeypatch):
        files = {}
        with https_server(tmp_path, files, monkeypatch) as host:
            files[at(host, monkeypatch)] = test_judgelm.FILE.encode()
            run("judgelm")
        assert InstalledRecipe.objects.get().source.startswith(f"{host}/baaivision/JudgeLM/00c45169de47")


class TestRefusals:
    def refused(self, *arguments, **options) -> str:
        with pytest.raises(CommandError) as caught:
            run(*arguments, **options)
        assert "\n" not in str(caught.value)
        assert not InstalledRecipe.objects.exists()
        assert not Judge.objects.exists()
        assert not HostModel.objects.exists()
        return str(caught.value)

    def test_a_wrong_hash(self, common):
        common.write_text(test_judgelm.FILE + "\n")
        assert "common.py has the SHA-256" in self.refused("judgelm", source=[str(common)])

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("conv_judge_pair =", "conv_judge_par =", "common.py holds no conv_judge_pair;"),
            ("appendix=", "append=", "common.py holds no conv_judge_pair.appendix;"),
            ("{answer_2}", "{answer2}", "its text for pair, one turn has no place for answer_2;"),
            ("{question}", "{question} {mood}", "has an unknown place: mood;"),
            ("conv_judge_pair = Talk(", "conv_judge_pair = Talk((", "common.py cannot be read as Python;"),
            ('system="You grade."', "system=open('/etc/passwd').read()", "holds no conv_judge_pair.system;"),
        ],
    )
    def test_another_shape(self, common, monkeypatch, old, new, said):
        file = test_judgelm.FILE.replace(old, new)
        monkeypatch.setitem(RECIPES, "judgelm", with_files(RECIPES["judgelm"], file))
        common.write_text(file)
        assert said in self.refused("judgelm", source=[str(common)])

    def test_no_network(self, monkeypatch):
        at("https://127.0.0.1:9", monkeypatch)
        said = self.refused("judgelm")
        assert (
            "cannot be reached: Connection refused. Fetch it elsewhere and name it by --source PATH." in said
        )

    def test_a_server_that_has_it_not_or_sends_elsewhere(self, tmp_path, monkeypatch):
        files = {}
        with https_server(tmp_path, files, monkeypatch) as host:
            path = at(host, monkeypatch)
            assert "was answered with status 404." in self.refused("judgelm")
            files[path] = b"https://127.0.0.1:9/elsewhere"
            assert "was answered with status 302." in self.refused("judgelm")
            files[path] = b"#" * (4 * 1024 * 1024 + 1)
            assert "is larger than 4,194,304 bytes." in self.refused("judgelm")
            monkeypatch.delenv("SSL_CERT_FILE")
            assert "certificate verify failed" in self.refused("judgelm")

    def test_what_is_never_fetched(self, monkeypatch):
        at("http://127.0.0.1:9", monkeypatch)
        assert "is not an https address" in self.refused("judgelm")

    def test_names_and_places(self, common, tmp_path):
        assert "There is no recipe for 'judge'; there are judgelm, pandalm" in self.refused("judge")
        assert "There is no judgelm/llm_judge/common.py at" in self.refused(
            "judgelm", source=[str(tmp_path / "nowhere")]
        )
        said = self.refused("pandalm", asks="single", source=[str(common)])
        assert said == "pandalm does not judge single; its modes are: pair, one turn."
        assert "must begin with http" in self.refused(
            "judgelm", source=[str(common)], url="ftp://x", model="m"
        )


def test_a_judge_can_name_only_what_is_there(common):
    run("judgelm", source=[str(common)], url="http://127.0.0.1:9/v1", model="judge")
    judge = Judge.objects.get()
    judge.full_clean()
    for protocol in ("judgelm", "judgelm@", "judgelm@0123456789ab", "best-of-two"):
        judge.protocol = protocol
        with pytest.raises(ValidationError, match="what install_judge has stored"):
            judge.full_clean()
    judge.protocol = InstalledRecipe.objects.get().protocol("single")
    judge.full_clean()


class TestList:
    def test_what_is_known_and_what_is_installed(self, common):
        run("judgelm", source=[str(common)], name="first")
        rows = {row["judge"]: row for row in json.loads(run(list=True, format="json"))}
        assert list(rows)[:4] == ["judgelm-7b", "judgelm-13b", "judgelm-33b", "pandalm-7b"]
        seven, thirteen = rows["judgelm-7b"], rows["judgelm-13b"]
        assert seven["registered"] == "first"  # by its model
        run(
            "judgelm",
            source=[str(common)],
            name="elsewhere",
            url="http://127.0.0.1:9/v1",
            model="judgelm-33b",
        )
        run("judgelm", source=[str(common)], name="mine", model="/srv/models/my-own")
        rows = {row["judge"]: row for row in json.loads(run(list=True, format="json"))}
        assert rows["judgelm-33b"]["registered"] == "elsewhere"
        assert rows["judgelm-7b"]["registered"] == "first, mine"
        assert thirteen["registered"] is None
        assert seven["installed"] == thirteen["installed"] == f"{datetime.now(UTC):%Y-%m-%d}"
        assert rows["pandalm-7b"]["installed"] is None
        # 13e9 parameters of two bytes and a quarter: 32.5e9 bytes are 30.3 GiB.
        assert (thirteen["billions"], thirteen["gpu_gib"]) == (13.0, 30)
        assert (seven["code"], seven["weights"]) == ("Apache-2.0", "LLaMA, non-commercial")
        assert "pair, one turn, with reference" in seven["modes"]

    def test_as_a_table(self):
        head, *lines = run(list=True).splitlines()
        assert head.split()[:6] == ["judge", "billions", "gpu_gib", "answers", "turns", "reference"]
        shown = {line.split("  ")[0]: [cell.strip() for cell in line.split("  ") if cell] for line in lines}
        assert shown["pandalm-7b"][1:6] == ["6.7", "16", "pair", "one", "not shown"]
        assert shown["mt-bench"][1:6] == ["-", "-", "pair, single", "one, two", "shown"]
        assert shown["instructscore-7b"][3:6] == ["single", "one", "needed"]
        # Every recipe has a line, and one for each of its weights.
        assert len(lines) == sum(len(recipe.weights) or 1 for recipe in RECIPES.values())


def judge_all(judge) -> None:
    while plan_judging(judge):
        pass
    for _ in judge_pending(judge, worker="tests"):
        pass


class TestRuling:
    def script(self, tmp_path, matches, text_of):
        """A script that says for each match and order what ``text_of`` says of the two answers shown."""
        path = tmp_path / "script.jsonl"
        with path.open("w") as file:
            for match in matches:
                for pair in ((match.answer_a, match.answer_b), (match.answer_b, match.answer_a)):
                    key = "|".join([match.prompt.key, *(answer.competitor.slug for answer in pair)])
                    text = text_of(*(answer.turns[0] for answer in pair))
                    file.write(json.dumps({"key": key, "text": text}) + "\n")
        return str(path)

    def test_judgelm_by_recorded_texts(self, common, tmp_path):
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer", "the longest answer of all")
        matches = make_matches(benchmark)
        installed = store_texts(
            RECIPES["judgelm"], take_texts(RECIPES["judgelm"], [common]), datetime.now(UTC)
        )
        texts = {("short", "rather longer"): "6, 8\n", ("rather longer", "short"): "8 6", "else": "I cannot."}
        script = self.script(tmp_path, matches, lambda *pair: texts.get(pair, texts["else"]))
        judge = make_judge(engine=Judge.Engine.SCRIPTED, model=script, protocol=str(installed))
        judge_all(judge)
        # One match is read, in both orders, for the longer answer; two matches in two orders are unscored.
        assert Judgment.objects.filter(winner="").count() == 4
        read = Judgment.objects.exclude(winner="")
        assert {row.match.answer_a.turns[0] for row in read} | {
            row.match.answer_b.turns[0] for row in read
        } == {"short", "rather longer"}
        assert len({row.winner for row in read}) == 1
        assert {row.verdict for row in read} == {Verdict.FIRST, Verdict.SECOND}
        [message] = json.loads(read[0].prompt_text)
        assert message["role"] == "prompt"
        assert message["content"].startswith("You grade.\n[Ask]\nQuestion 1?")
        assert read[0].protocol == str(installed)

    def test_pandalm_at_a_server_as_a_raw_completion(self, tmp_path):
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        path = tmp_path / "pandalm_inference.py"
        path.write_text(test_pandalm.FILE)
        with running_server(reply=lambda prompt: "1\n") as server:
            run("pandalm", source=[str(path)], url=server.base_url, model="judge")
            judge_all(Judge.objects.get())
            bodies = server.bodies
        assert all("messages" not in body and body["prompt"].startswith("Compare.") for body in bodies)
        assert {(body["stop"][0], body["repetition_penalty"]) for body in bodies} == {("\n", 1.2)}
        # First place in both orders: the two rulings are each read, and differ.
        assert set(Judgment.objects.values_list("verdict", flat=True)) == {Verdict.FIRST}
        assert len(set(Judgment.objects.values_list("winner", flat=True)) - {INCONSISTENT}) == 2

    def test_a_question_that_does_not_fit_fails_by_name(self, common):
        benchmark = make_benchmark(prompts=1, turns=["One?", "Two?"])
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        run("judgelm", source=[str(common)], url="http://127.0.0.1:9/v1", model="judge")
        judge_all(Judge.objects.get())
        job = Job.objects.get()
        assert (job.state, job.error_code) == (Job.State.FAILED, "unfit_protocol")
        assert "it takes: pair, one turn; pair, one turn, with reference" in job.error

    def test_texts_that_are_gone_put_the_judge_aside(self, common):
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        run("judgelm", source=[str(common)], url="http://127.0.0.1:9/v1", model="judge")
        InstalledRecipe.objects.all().delete()
        judge_all(Judge.objects.get())
        job = Job.objects.get()
        assert (job.state, job.error_code) == (Job.State.PENDING, "misconfigured")
        assert "is not installed" in job.error


class TestOneAnswerAtATime:
    @pytest.fixture
    def flow_judge(self, tmp_path, monkeypatch):
        monkeypatch.setitem(RECIPES, "flow-judge", with_files(RECIPES["flow-judge"], test_flow_judge.FILE))
        path = tmp_path / "prompt_formatter.py"
        path.write_text(test_flow_judge.FILE)
        return path

    def test_a_ruling_is_two_requests_and_one_row(self, flow_judge):
        benchmark = make_benchmark(prompts=2)
        make_answers(benchmark, "short", "rather longer", "no good")
        make_matches(benchmark)

        def grade(prompt):
            shown = prompt.split("<response>\n")[1].split("\n</response>")[0]
            score = {"short": 2, "rather longer": 5}.get(shown)
            return f"<feedback>{shown}</feedback><score>{score}</score>" if score else "I cannot say."

        with running_server(reply=grade) as server:
            run("flow-judge", source=[str(flow_judge)], url=server.base_url, model="judge")
            judge = Judge.objects.get()
            judge_all(judge)
            # 3 pairs on 2 prompts, each asked about in one order by two requests.
            assert len(server.bodies) == 12
        assert not judge.both_orders
        assert Judgment.objects.count() == 6
        read = Judgment.objects.exclude(winner="")
        assert read.count() == 2
        for row in read:
            longer = "model_a" if row.match.answer_a.turns == ["rather longer"] else "model_b"
            assert row.winner == longer
            first, second = json.loads(row.raw_text)
            assert {first, second} == {grade(f"<response>\n{text}\n</response>") for text in SCORED}
            assert [message["role"] for message in json.loads(row.prompt_text)] == [
                "user, first answer",
                "user, second answer",
            ]
            # The server counts 11 tokens in and 7 out for each request.
            assert (row.tokens_in, row.tokens_out) == (22, 14)

    def test_one_answer_refused_is_one_match_failed(self, flow_judge):
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        with running_server() as server:
            run("flow-judge", source=[str(flow_judge)], url=server.base_url, model="status:400")
            judge_all(Judge.objects.get())
        assert Job.objects.get().error_code == "bad_request"
        assert not Judgment.objects.exists()

    def test_a_prompt_for_pairs_can_be_asked_for_singles(self, tmp_path, monkeypatch):
        monkeypatch.setitem(RECIPES, "mt-bench", with_files(RECIPES["mt-bench"], test_mt_bench.FILE))
        path = tmp_path / "judge_prompts.jsonl"
        path.write_text(test_mt_bench.FILE)
        options = {"source": [str(path)], "url": "http://127.0.0.1:9/v1", "model": "m"}
        run("mt-bench", **options)
        run("mt-bench", asks="single", name="by grades", **options)
        pairs, singles = Judge.objects.order_by("pk")
        sha256 = InstalledRecipe.objects.get().sha256
        assert (pairs.protocol, singles.protocol) == (
            f"mt-bench@{sha256[:12]}",
            f"mt-bench/single@{sha256[:12]}",
        )
        assert protocols_of(singles)[singles.protocol].takes.startswith("single, one turn; ")
        rows = {row["judge"]: row for row in json.loads(run(list=True, format="json"))}
        assert rows["mt-bench"]["registered"] == "by grades, mt-bench"

    def test_a_prompt_needs_a_model(self):
        with pytest.raises(
            CommandError, match="mt-bench is a prompt for any chat model: name one by --model"
        ):
            run("mt-bench")


SCORED = ("short", "rather longer")


class TestOneToken:
    @pytest.mark.parametrize(("text", "verdict"), [("m", Verdict.FIRST), ("M", Verdict.SECOND), ("n", "")])
    def test_a_ruling_of_one_token_is_not_cut_off(self, tmp_path, monkeypatch, text, verdict):
        """Servers say "length" of a text that ended at its one token."""
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        monkeypatch.setitem(
            RECIPES, "alpaca-eval-2", with_files(RECIPES["alpaca-eval-2"], test_alpaca_eval_2.FILE)
        )
        path = tmp_path / "clf.txt"
        path.write_text(test_alpaca_eval_2.FILE)
        with running_server(reply=lambda prompt: text) as server:
            server.finish_reason = "length"
            run("alpaca-eval-2", source=[str(path)], url=server.base_url, model="judge")
            judge_all(Judge.objects.get())
        assert set(Judgment.objects.values_list("verdict", "finish_reason")) == {(verdict, "length")}

    def test_a_line_of_scores_that_was_cut_off_is_unscored(self, common):
        """ "10 1" may be the beginning of "10 10"."""
        benchmark = make_benchmark(prompts=1)
        make_answers(benchmark, "short", "rather longer")
        make_matches(benchmark)
        with running_server(reply=lambda prompt: "10 1") as server:
            server.finish_reason = "length"
            run("judgelm", source=[str(common)], url=server.base_url, model="judge")
            judge_all(Judge.objects.get())
        assert set(Judgment.objects.values_list("verdict", "raw_text")) == {("", "10 1")}
