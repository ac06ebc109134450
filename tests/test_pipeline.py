"""One story from a file to a board: submit, pair, judge over real HTTP, vote, rate, publish."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from arena.models import Ballot, Match, Submission, Vote
from arena.tasks import render_answers
from judging.models import Judgment
from judging.tasks import judge_pending, plan_judging
from leaderboard.models import Board
from leaderboard.tasks import pair_submissions, refresh_boards
from tests.factories import make_benchmark
from tests.servers import running_server

pytestmark = pytest.mark.django_db


def work() -> None:
    """What the scheduler wakes, once each, in an order that a worker might take."""
    for task in (render_answers, pair_submissions, plan_judging, judge_pending, refresh_boards):
        task()


def submit(client, benchmark, name, text):
    rows = [{"id": key, "answer": f"{text} {key}"} for key in benchmark.prompts.values_list("key", flat=True)]
    file = SimpleUploadedFile("answers.jsonl", "\n".join(map(json.dumps, rows)).encode())
    return client.post(
        reverse("submit"), {"benchmark": benchmark.slug, "name": name, "file": file}, follow=True
    )


def test_from_file_to_board(client, alice, bob):
    benchmark = make_benchmark(prompts=6)
    with running_server() as server:
        call_command("register_judge", "main", url=server.base_url, model="judge")
        call_command("register_judge", "longest")

        # Alice and Bob submit; the page that follows is the submission's own.
        client.force_login(alice)
        page = submit(client, benchmark, "Alice 7B", "A thorough and long answer to")
        entry = Submission.objects.get()
        assert page.redirect_chain[-1][0] == entry.get_absolute_url()
        client.force_login(bob)
        submit(client, benchmark, "Bob 1B", "Short:")
        work()

    # One match a prompt, judged by two judges in two orders.
    assert Match.objects.count() == 6
    assert Judgment.objects.count() == 6 * 2 * 2
    # Both judges prefer the longer answer always: unbeaten, so no rating and no made-up interval.
    board = client.get(reverse("leaderboard"), {"source": "main", "benchmark": benchmark.slug})
    assert "no upper bound" in board.content.decode()

    # Visitors vote: four for Alice's model, two for Bob's.
    for visitor in range(6):
        person = Client()
        page = person.get(reverse("vote")).content.decode()
        assert "Alice" not in page
        assert "Bob" not in page
        token = re.search(r"/vote/([0-9a-f-]{36})/cast/", page).group(1)
        ballot = Ballot.objects.get(token=token)
        alice_is_first = (ballot.match.competitor_a.name == "Alice 7B") == (ballot.order == "AB")
        choice = "first" if alice_is_first == (visitor < 4) else "second"
        reveal = person.post(reverse("cast", args=[token]), {"choice": choice}, follow=True)
        assert "Alice 7B" in reveal.content.decode()
    assert Vote.objects.count() == 6
    work()

    rows = json.loads(
        client.get(reverse("leaderboard"), {"benchmark": benchmark.slug, "format": "json"}).content
    )
    assert [row["model"] for row in rows] == ["Alice 7B", "Bob 1B"]
    # 4 of 6 points: odds 2 to 1, which is 400 log10(2) = 120.41 points.
    assert rows[0]["rating"] - rows[1]["rating"] == pytest.approx(120.41, abs=0.02)
    assert rows[0]["rating_upper"] - rows[0]["rating_lower"] > 100

    # Every page of the story answers.
    match = Match.objects.first()
    pages = [entry.competitor, match, Judgment.objects.first().judge]
    for address in [*(row.get_absolute_url() for row in pages), reverse("judges"), reverse("models")]:
        assert client.get(address).status_code == 200, address
    assert Board.objects.filter(judge=None, category="").exists()


def test_a_refused_file_leaves_nothing(client, alice):
    benchmark = make_benchmark()
    client.force_login(alice)
    file = SimpleUploadedFile(
        "answers.jsonl", b'{"id": "q1", "answer": "fine"}\n{"id": "nope", "answer": "x"}\n'
    )
    page = client.post(reverse("submit"), {"benchmark": benchmark.slug, "name": "Broken", "file": file})
    assert page.status_code == 422
    assert "nope" in page.content.decode()
    assert not Submission.objects.exists()
    assert not Match.objects.exists()
