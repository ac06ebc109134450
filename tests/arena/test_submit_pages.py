"""The forms that take files, and the pages of benchmarks."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Answer, Benchmark, Competitor, Submission
from tests.factories import make_answers, make_benchmark

pytestmark = pytest.mark.django_db


@pytest.fixture
def benchmark():
    return make_benchmark(2, slug="colours")


@pytest.fixture
def by_alice(client, alice):
    client.force_login(alice)
    return client


def send(client, *rows, benchmark="colours", name="Hornbeam", filename="answers.jsonl", raw=None):
    body = raw if raw is not None else "\n".join(json.dumps(row) for row in rows).encode()
    file = SimpleUploadedFile(filename, body)
    form = {"benchmark": benchmark, "name": name, "organisation": "Acme", "file": file}
    return client.post("/submit/", form)


def test_the_form_asks_to_sign_in_and_comes_back(client, benchmark):
    assert client.get("/submit/")["Location"] == "/accounts/login/?next=/submit/"


def test_a_good_file_leads_to_its_submission(by_alice, benchmark, alice):
    response = send(by_alice, {"id": "q1", "answer": "red"}, {"id": "q2", "answer": ""})
    submission = Submission.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/submissions/{submission.pk}/"
    assert (submission.submitter, submission.filename) == (alice, "answers.jsonl")
    assert (submission.competitor.name, submission.competitor.organisation) == ("Hornbeam", "Acme")
    assert sorted(Answer.objects.values_list("turns", flat=True)) == [[""], ["red"]]


def test_every_bad_line_is_listed_and_nothing_stored(by_alice, benchmark):
    response = send(by_alice, {"id": "q1", "answer": "red"}, {"id": "q9", "answer": "x"}, {"answer": "y"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "answers.jsonl has 2 problems. Nothing was stored." in page
    assert '<td class="num">2</td>' in page
    assert '<td class="num">3</td>' in page
    assert 'value="Hornbeam"' in page  # what was typed is still there
    assert not Competitor.objects.exists()
    assert not Answer.objects.exists()


def test_a_taken_name_is_refused_in_the_same_table(by_alice, benchmark):
    make_answers(benchmark, "red", name="Hornbeam")
    response = send(by_alice, {"id": "q1", "answer": "red"})
    assert response.status_code == 422
    assert "exists already" in response.content.decode()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"\0\0\0", b"[" * 100_000, b"id,answer\nq1,=1+1,3\n"])
def test_broken_files_are_answered_with_the_table(by_alice, benchmark, raw):
    response = send(by_alice, raw=raw)
    assert response.status_code == 422
    assert "Nothing was stored" in response.content.decode()
    assert not Answer.objects.exists()


def test_a_file_over_the_limit_is_refused_while_it_streams(by_alice, benchmark, settings):
    settings.UPLOAD_LIMIT = 100_000
    response = send(by_alice, raw=b"x" * 200_000)
    assert response.status_code == 413
    assert "larger than 97.7" in response.content.decode()  # KB: 100,000 / 1,024
    assert not Submission.objects.exists()


def test_a_file_of_the_limit_is_read(by_alice, benchmark, settings):
    row = json.dumps({"id": "q1", "answer": "red"}).encode()
    settings.UPLOAD_LIMIT = len(row)
    assert send(by_alice, raw=row).status_code == 302


@pytest.mark.parametrize("field", [{"name": ""}, {"name": " "}, {"name": "a\0b"}, {"name": "x" * 121}])
def test_a_bad_name_is_said_at_the_field(by_alice, benchmark, field):
    response = send(by_alice, {"id": "q1", "answer": "red"}, **field)
    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert not Submission.objects.exists()


def test_an_unknown_benchmark_is_said_at_the_field(by_alice, benchmark):
    for slug in ("", "nowhere", "a\0b"):
        assert send(by_alice, {"id": "q1", "answer": "red"}, benchmark=slug).status_code == 422


def test_closed_benchmarks_take_no_models(by_alice, benchmark):
    make_benchmark(1, slug="past", is_open=False)
    assert send(by_alice, {"id": "q1", "answer": "red"}, benchmark="past").status_code == 422
    assert "past" not in by_alice.get("/submit/").content.decode().lower()


def test_without_an_open_benchmark_the_form_says_so(by_alice):
    assert "No benchmark is open" in by_alice.get("/submit/").content.decode()


def test_the_template_has_every_prompt_and_is_taken_back(by_alice, benchmark):
    two = make_benchmark(1, slug="two", turns=["One?", "Two?"])
    response = by_alice.get("/benchmarks/two/template.jsonl")
    body = response.getvalue()
    assert json.loads(body) == {"id": "q1", "prompt": ["One?", "Two?"], "turns": ["", ""]}
    assert 'filename="two-template.jsonl"' in response["Content-Disposition"]
    assert send(by_alice, benchmark="two", raw=body).status_code == 302
    assert Answer.objects.get(prompt__benchmark=two).is_empty


def test_benchmarks_are_listed_with_what_they_hold(client, benchmark):
    make_answers(benchmark, "red", "green", "blue")
    Benchmark.objects.filter(pk=benchmark.pk).update(credit="From Acme, CC-BY-4.0")
    page = client.get("/benchmarks/").content.decode()
    assert "2 prompts" in page
    assert "3 models" in page
    assert "From Acme, CC-BY-4.0" in page


def test_a_benchmark_shows_its_prompts_by_category_and_page(client):
    make_benchmark(26, slug="many")  # 25 a page
    assert "Page 1 of 2" in client.get("/benchmarks/many/").content.decode()
    second = client.get("/benchmarks/many/?page=2").content.decode()
    assert "Question 26?" in second
    assert "Question 1?" not in second
    even = client.get("/benchmarks/many/?category=even").content.decode()
    assert "Question 2?" in even
    assert "Question 1?" not in even
    assert client.get("/benchmarks/none/").status_code == 404
    assert "No prompt has" in client.get("/benchmarks/many/?page=x&category=%00").content.decode()


PROMPTS = b'{"id": "p1", "turns": ["What is 6 x 7?"], "tags": ["maths"], "reference": ["42"]}\n'


def upload(client, name="Small set", raw=PROMPTS, **fields):
    file = SimpleUploadedFile("prompts.jsonl", raw)
    return client.post("/benchmarks/new/", {"name": name, "file": file, "is_open": "on"} | fields)


def test_staff_upload_a_benchmark(client, olga):
    client.force_login(olga)
    assert "New benchmark" in client.get("/benchmarks/new/").content.decode()
    assert upload(client)["Location"] == "/benchmarks/small-set/"
    benchmark = Benchmark.objects.get(slug="small-set")
    assert benchmark.is_open
    assert benchmark.prompts.get().reference == ["42"]


def test_a_bad_benchmark_file_is_answered_with_the_table(client, olga):
    client.force_login(olga)
    response = upload(client, raw=PROMPTS + PROMPTS)
    assert response.status_code == 422
    assert '<td class="num">2</td>' in response.content.decode()  # the id of line 1 again
    assert upload(client, name="new").status_code == 422  # would hide the form's own address
    assert not Benchmark.objects.exists()


def test_only_staff_make_benchmarks(by_alice):
    assert upload(by_alice).status_code == 403
    assert not Benchmark.objects.exists()


@pytest.mark.parametrize("name", ["\u202egpt", "a\u200b", "\u200b", "x\x07y"])
def test_a_name_with_signs_that_cannot_be_seen_is_refused(client, alice, name):
    make_benchmark(slug="colours", prompts=1)
    client.force_login(alice)
    file = SimpleUploadedFile("answers.jsonl", b'{"id": "q1", "answer": "x"}')
    response = client.post(reverse("submit"), {"benchmark": "colours", "name": name, "file": file})
    assert response.status_code == 422
    assert not Competitor.objects.exists()


def test_a_name_is_kept_in_one_form(client, alice):
    make_benchmark(slug="colours", prompts=1)
    client.force_login(alice)
    file = SimpleUploadedFile("answers.jsonl", b'{"id": "q1", "answer": "x"}')
    client.post(reverse("submit"), {"benchmark": "colours", "name": " Horn\u00a0 beam\uff17B ", "file": file})
    assert Competitor.objects.get().name == "Horn beam7B"


def test_only_staff_is_shown_the_form_for_benchmarks(client, alice):
    assert client.get(reverse("benchmark_new")).status_code == 302
    client.force_login(alice)
    assert client.get(reverse("benchmark_new"), follow=True).status_code == 403


def test_a_submission_outlives_its_submitter(client, alice):
    make_benchmark(slug="colours", prompts=1)
    client.force_login(alice)
    file = SimpleUploadedFile("answers.jsonl", b'{"id": "q1", "answer": "x"}')
    page = client.post(reverse("submit"), {"benchmark": "colours", "name": "Kept", "file": file}, follow=True)
    alice.delete()
    client.logout()
    assert Competitor.objects.get().answers.count() == 1
    assert client.get(page.redirect_chain[-1][0]).status_code == 404  # nobody's, so nobody but staff sees it


def test_a_visitor_finds_again_what_they_sent(client, alice, bob):
    make_benchmark(slug="colours", prompts=1)
    client.force_login(bob)
    assert "You have not submitted a model yet" in client.get("/submit/").content.decode()
    send(client, {"id": "q1", "answer": "red"}, name="Hornbeam")
    sent = Submission.objects.get()
    assert f'href="{sent.get_absolute_url()}"' in client.get("/submit/").content.decode()
    client.force_login(alice)
    assert sent.get_absolute_url() not in client.get("/submit/").content.decode()
