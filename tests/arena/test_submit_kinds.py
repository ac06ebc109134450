"""The forms for endpoints and for models of the GPU hosts, and trying again."""

import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from arena.models import Competitor, Endpoint, HostModel, HostWorker, Job, Submission
from tests.factories import make_benchmark, make_endpoint

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-4f1d8e0a77"
ENDPOINT = {
    "benchmark": "colours",
    "name": "Hornbeam",
    "base_url": "https://api.example.org/v1",
    "model": "hornbeam-70b",
    "key": CANARY,
}
HOST = {"benchmark": "colours", "name": "Hornbeam", "source": "hedgerow/hornbeam-1b", "dtype": "auto"}


@pytest.fixture(autouse=True)
def benchmark():
    return make_benchmark(2, slug="colours")


@pytest.fixture
def by_alice(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def by_olga(client, olga):
    client.force_login(olga)
    return client


def send(client, kind, form, **changes):
    return client.post(f"/submit/?kind={kind}", form | changes)


def make_worker() -> HostWorker:
    now = timezone.now()
    return HostWorker.objects.create(name="gpu@south", since=now, seen_at=now)


class TestEndpoint:
    def test_it_is_stored_with_a_job_for_each_prompt(self, by_alice, alice):
        sampling = {"temperature": "0.7", "top_p": "0.9", "min_p": "0.05", "max_tokens": "512", "seed": "1"}
        sampling |= {"top_k": "40", "repetition_penalty": "1.1"}
        response = send(by_alice, "endpoint", ENDPOINT, **sampling, system_prompt="Be brief.")
        submission = Submission.objects.get()
        assert response["Location"] == f"/submissions/{submission.pk}/"
        assert (submission.kind, submission.state) == ("endpoint", "dry_run")
        assert (submission.endpoint.base_url, submission.endpoint.model) == (
            "https://api.example.org/v1",
            "hornbeam-70b",
        )
        assert submission.competitor.sampling == {
            "temperature": 0.7,
            "top_p": 0.9,
            "top_k": 40,
            "min_p": 0.05,
            "repetition_penalty": 1.1,
            "max_tokens": 512,
            "seed": 1,
            "system_prompt": "Be brief.",
        }
        assert Job.objects.filter(kind="answer", owner=submission.pk, state="pending").count() == 2

    def test_what_is_left_empty_is_no_setting(self, by_alice):
        send(by_alice, "endpoint", ENDPOINT, temperature="0")
        assert Competitor.objects.get().sampling == {"temperature": 0.0}

    def test_the_key_is_sealed_and_shown_nowhere(self, by_alice, olga, caplog):
        send(by_alice, "endpoint", ENDPOINT)
        submission = Submission.objects.get()
        dump = io.StringIO()
        call_command("dumpdata", "arena", stdout=dump)
        pages = [by_alice.get(f"/submissions/{submission.pk}/").content.decode()]
        by_alice.force_login(olga)
        for address in (
            f"/submissions/{submission.pk}/",
            f"/admin/arena/submission/{submission.pk}/change/",
            "/admin/arena/submission/",
        ):
            response = by_alice.get(address)
            assert response.status_code == 200
            pages.append(response.content.decode())
        for text in (dump.getvalue(), caplog.text, *pages):
            assert CANARY not in text
        assert "key ending in 0a77" in pages[0]

    def test_a_short_key_shows_no_ending(self, by_alice):
        send(by_alice, "endpoint", ENDPOINT, key="short-key")
        assert Endpoint.objects.get().key_ending == ""

    def test_a_wrong_form_comes_back_without_the_key(self, by_alice):
        response = send(by_alice, "endpoint", ENDPOINT, temperature="9")
        page = response.content.decode()
        assert response.status_code == 422
        assert 'value="hornbeam-70b"' in page
        assert CANARY not in page
        assert '<details class="fold inner" open>' in page  # where the wrong field is
        assert not Submission.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("base_url", "ftp://api.example.org/v1", "http"),
            ("base_url", "http://127.0.0.1:8000/v1", "private"),
            ("base_url", "http://[::1]/v1", "private"),
            ("base_url", "http://169.254.169.254/latest", "private"),
            ("base_url", "http://0x7f000001/v1", ""),
            ("base_url", "https://me:secret@api.example.org/v1", "user"),
            ("base_url", "nonsense", ""),
            ("model", "", "required"),
            ("key", "with spaces in it", "without spaces"),
            ("key", "schlüssel-0123456789", "ASCII"),
            ("temperature", "2.1", "less than or equal to 2"),
            ("top_p", "0", "greater than or equal"),
            ("min_p", "1.5", "less than or equal to 1"),
            ("max_tokens", "0", "greater than or equal to 1"),
            ("top_k", "0", "greater than or equal to 1"),
            ("top_k", "2.5", "whole number"),
            ("repetition_penalty", "0", "greater than or equal to 0.01"),
            ("repetition_penalty", "2.1", "less than or equal to 2"),
            ("seed", "-1", "greater than or equal to 0"),
            ("temperature", "nan", "number"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, by_alice, field, value, words):
        response = send(by_alice, "endpoint", ENDPOINT, **{field: value})
        assert response.status_code == 422
        assert words in str(response.context["form"].errors[field])
        assert not Competitor.objects.exists()

    def test_an_own_server_is_taken_when_the_operator_allows_it(self, by_alice, settings):
        settings.ENDPOINT_ALLOW = "127.0.0.1:8000"
        assert send(by_alice, "endpoint", ENDPOINT, base_url="http://127.0.0.1:8000/v1").status_code == 302
        assert send(by_alice, "endpoint", ENDPOINT, base_url="http://127.0.0.1:8001/v1").status_code == 422

    def test_other_settings_make_another_model(self, by_alice):
        make_benchmark(1, slug="shapes")
        assert send(by_alice, "endpoint", ENDPOINT).status_code == 302
        response = send(by_alice, "endpoint", ENDPOINT, benchmark="shapes", temperature="1")
        assert response.status_code == 422
        assert "Other settings make another model" in response.content.decode()
        assert send(by_alice, "endpoint", ENDPOINT, benchmark="shapes").status_code == 302
        assert Submission.objects.count() == 2


class TestHostModel:
    def test_staff_names_a_model(self, by_olga):
        send(by_olga, "host", HOST, max_model_len="2048", revision="main")
        submission = Submission.objects.get()
        model = submission.host_model
        assert (submission.kind, submission.state) == ("host", "received")
        assert (model.source, model.revision, model.options) == (
            "hedgerow/hornbeam-1b",
            "main",
            {"max_model_len": 2048},
        )

    def test_one_model_with_two_settings_is_loaded_once(self, by_olga):
        send(by_olga, "host", HOST)
        send(by_olga, "host", HOST, name="Hornbeam, warm", temperature="1")
        assert HostModel.objects.count() == 1
        assert Submission.objects.count() == 2

    def test_members_use_the_hosts_once_there_is_one(self, by_alice, settings):
        assert by_alice.get("/submit/?kind=host").status_code == 403
        assert send(by_alice, "host", HOST).status_code == 403
        assert "GPU hosts" not in by_alice.get("/submit/").content.decode()
        make_worker()
        assert send(by_alice, "host", HOST).status_code == 302
        settings.HOSTS_FOR_MEMBERS = False
        assert by_alice.get("/submit/?kind=host").status_code == 403

    def test_paths_and_templates_are_for_staff(self, by_alice, by_olga, settings):
        make_worker()
        by_alice.force_login(Competitor.owner.get_queryset().get(username="alice"))
        for field in ("source", "adapter"):
            response = send(by_alice, "host", HOST, **{field: "/models/hornbeam"})
            assert "Write a repository such as owner/name." in str(response.context["form"].errors[field])
        assert send(by_alice, "host", HOST, chat_template="{{ messages }}").status_code == 302
        assert HostModel.objects.get().chat_template == ""


class TestRetry:
    def failed(self, user, **fields) -> Submission:
        submission = make_endpoint(
            Submission.benchmark.get_queryset().get(), "https://a.example.org/v1", user
        )
        submission.fail("unauthorized", "The key is wrong.")
        return submission

    def test_the_submitter_tries_again_with_another_key(self, by_alice, alice):
        submission = self.failed(alice)
        response = by_alice.post(f"/submissions/{submission.pk}/retry/", {"key": CANARY})
        assert response["Location"] == f"/submissions/{submission.pk}/"
        submission.refresh_from_db()
        assert (submission.state, submission.message) == ("answering", "")
        assert submission.endpoint.key_ending == "0a77"

    def test_a_stranger_does_not(self, by_alice, bob):
        submission = self.failed(bob)
        assert by_alice.post(f"/submissions/{submission.pk}/retry/").status_code == 404
        submission.refresh_from_db()
        assert submission.state == "failed"

    def test_a_bad_key_changes_nothing(self, by_alice, alice):
        submission = self.failed(alice)
        page = by_alice.post(f"/submissions/{submission.pk}/retry/", {"key": "a b"}, follow=True)
        assert "without spaces" in page.content.decode()
        submission.refresh_from_db()
        assert submission.state == "failed"

    def test_twice_is_once(self, by_alice, alice):
        submission = self.failed(alice)
        by_alice.post(f"/submissions/{submission.pk}/retry/")
        page = by_alice.post(f"/submissions/{submission.pk}/retry/", follow=True)
        assert "nothing to try again" in page.content.decode()


@pytest.mark.parametrize("kind", ["", "recorded", "endpoint", "nonsense"])
def test_every_kind_has_its_form(by_alice, kind):
    page = by_alice.get(f"/submit/?kind={kind}").content.decode()
    assert ("API key" in page) == (kind == "endpoint")
    assert ("What the file may look like" in page) == (kind != "endpoint")


class TestCancel:
    def test_the_submitter_cancels_it_and_goes_on_later(self, by_alice, alice, benchmark):
        submission = make_endpoint(benchmark, "https://a.example.org/v1", alice)
        assert by_alice.post(f"/submissions/{submission.pk}/cancel/").status_code == 302
        submission.refresh_from_db()
        assert (submission.state, submission.cause) == ("cancelled", "cancelled")
        assert submission.ended_at is not None
        page = by_alice.post(f"/submissions/{submission.pk}/cancel/", follow=True).content.decode()
        assert "nothing to cancel" in page
        assert '<span class="pill wait">Cancelled</span>' in page
        assert "Try again to go on where it stopped" in page
        by_alice.post(f"/submissions/{submission.pk}/retry/")
        submission.refresh_from_db()
        assert (submission.state, submission.cause, submission.ended_at) == ("answering", "", None)

    def test_a_stranger_does_not(self, by_alice, bob, benchmark):
        submission = make_endpoint(benchmark, "https://a.example.org/v1", bob)
        assert by_alice.post(f"/submissions/{submission.pk}/cancel/").status_code == 404


class TestAnew:
    def test_a_failed_entry_gives_way_under_its_name(self, by_alice, alice):
        send(by_alice, "endpoint", ENDPOINT)
        failed = Submission.objects.get()
        assert send(by_alice, "endpoint", ENDPOINT).status_code == 422  # not while it is answering
        failed.fail("not_found", "No such model.")
        response = send(by_alice, "endpoint", ENDPOINT, model="hornbeam-7b", temperature="0.5")
        assert response.status_code == 302
        submission = Submission.objects.get()
        assert submission.pk != failed.pk
        assert submission.endpoint.model == "hornbeam-7b"
        assert submission.competitor.sampling == {"temperature": 0.5}
        assert set(Job.objects.values_list("owner", flat=True)) == {submission.pk}

    def test_its_form_is_filled_in_to_be_sent_anew(self, by_alice, alice, bob, benchmark):
        mine = make_endpoint(benchmark, "https://mine.example.org/v1", alice, sampling={"seed": 7})
        other = make_endpoint(benchmark, "https://bobs.example.org/v1", bob)
        mine.fail("not_found", "There is no such model.")
        link = f"/submit/?kind=endpoint&again={mine.pk}"
        assert link.replace("&", "&amp;") in by_alice.get(mine.get_absolute_url()).content.decode()
        form = by_alice.get(link).context["form"]
        assert form["name"].value() == mine.competitor.name
        assert (form["base_url"].value(), form["seed"].value()) == ("https://mine.example.org/v1", 7)
        for pk in (other.pk, "x", "9" * 30):
            assert not by_alice.get(f"/submit/?kind=endpoint&again={pk}").context["form"]["name"].value()

    def test_a_name_that_is_taken_is_said_without_a_file(self, by_alice, alice, benchmark):
        taken = make_endpoint(benchmark, "https://mine.example.org/v1", alice)
        page = send(by_alice, "endpoint", ENDPOINT, name=taken.competitor.name)
        assert page.status_code == 422
        words = f"{taken.competitor.name} is on Colours already. Choose another name."
        assert page.context["form"].non_field_errors() == [words]
        assert "send the file again" not in page.content.decode()


class TestAdmin:
    def act(self, client, action, submission):
        return client.post(
            "/admin/arena/submission/", {"action": action, "_selected_action": [submission.pk]}, follow=True
        )

    def test_staff_tries_again(self, by_olga, alice, benchmark):
        submission = make_endpoint(benchmark, "https://a.example.org/v1", alice)
        submission.fail("unauthorized", "The key is wrong.")
        assert "asked again: 1" in self.act(by_olga, "try_again", submission).content.decode()
        submission.refresh_from_db()
        assert submission.state == "answering"

    def test_a_withdrawn_model_is_not_asked(self, by_olga, alice, benchmark):
        submission = make_endpoint(benchmark, "https://a.example.org/v1", alice)
        assert "Withdrawn: 1" in self.act(by_olga, "withdraw", submission).content.decode()
        assert not Submission.objects.answering(timezone.now()).exists()

    def test_lists_of_hosts(self, by_olga):
        send(by_olga, "host", HOST)
        HostWorker.objects.create(name="gpu@one", since=timezone.now(), seen_at=timezone.now())
        assert "hedgerow/hornbeam-1b" in by_olga.get("/admin/arena/hostmodel/").content.decode()
        assert "gpu@one" in by_olga.get("/admin/arena/hostworker/").content.decode()
