"""The same model with other settings: a form filled in, a model that names its parent; and withdrawing."""

import pytest
from django.utils import timezone

from arena.models import Competitor, Submission
from arena.services.submissions import Entry, accept_host_model
from tests.factories import make_benchmark, make_competitor, make_endpoint

pytestmark = pytest.mark.django_db
CANARY = "sk-canary-4f1d8e0a77"
SAMPLING = {"temperature": 0.7, "top_k": 40, "system_prompt": "Be brief."}


@pytest.fixture
def parent(alice):
    """Alice's model behind an endpoint."""
    benchmark = make_benchmark(2, slug="colours")
    submission = make_endpoint(benchmark, "https://a.example.org/v1", alice, key=CANARY, sampling=SAMPLING)
    Competitor.objects.update(name="Hornbeam", organisation="Hedgerow")
    submission.competitor.refresh_from_db()
    return submission.competitor


@pytest.fixture
def by_alice(client, alice):
    client.force_login(alice)
    return client


def filled(parent: Competitor, **changes) -> dict[str, object]:
    """The form as the browser sends it back."""
    return {
        "benchmark": "colours",
        "name": "Hornbeam, cool",
        "organisation": "Hedgerow",
        "base_url": "https://a.example.org/v1",
        "model": "model",
        **SAMPLING,
        **changes,
    }


def address(parent: Competitor) -> str:
    return f"/submit/?kind=endpoint&parent={parent.slug}"


def text(response) -> str:
    return response.content.decode()


class TestForm:
    def test_the_models_page_leads_its_owner_to_the_form(self, client, by_alice, bob, olga, parent):
        link = f'href="/submit/?parent={parent.slug}"'
        assert link in text(by_alice.get(parent.get_absolute_url()))
        client.force_login(olga)
        assert link in text(client.get(parent.get_absolute_url()))
        client.force_login(bob)
        assert link not in text(client.get(parent.get_absolute_url()))
        client.logout()
        assert link not in text(client.get(parent.get_absolute_url()))

    def test_it_is_filled_in_but_for_name_and_key(self, by_alice, parent):
        response = by_alice.get(f"/submit/?parent={parent.slug}")
        values = {field.name: field.value() for field in response.context["form"]}
        expected = {"base_url": "https://a.example.org/v1", "model": "model", "organisation": "Hedgerow"}
        assert {name: values[name] for name in (*expected, *SAMPLING)} == expected | SAMPLING
        assert values["benchmark"] == "colours"
        assert not values["name"]
        assert not values["key"]
        assert CANARY not in text(response)

    def test_a_model_on_a_host_is_filled_in_too(self, client, olga):
        entry = Entry(user=olga, benchmark=make_benchmark(1), name="On a host")
        what = {"source": "owner/model", "revision": "main", "dtype": "float16", "max_model_len": 2048}
        parent = accept_host_model(entry, now=timezone.now(), **what).competitor
        client.force_login(olga)
        response = client.get(f"/submit/?parent={parent.slug}")
        values = {field.name: field.value() for field in response.context["form"]}
        assert {name: values[name] for name in what} == what

    def test_what_comes_of_it_names_its_parent_and_the_other_way_round(self, by_alice, parent):
        response = by_alice.post(address(parent), filled(parent, temperature="0.2"))
        assert response.status_code == 302
        variant = Competitor.objects.get(name="Hornbeam, cool")
        assert (variant.parent, variant.sampling) == (parent, SAMPLING | {"temperature": 0.2})
        assert parent.submissions.count() == 1
        page = text(by_alice.get(variant.get_absolute_url()))
        assert f'Its settings were changed from those of <a href="{parent.get_absolute_url()}">' in page
        assert "with temperature 0.7" in page
        page = text(by_alice.get(parent.get_absolute_url()))
        assert f'<a href="{variant.get_absolute_url()}">Hornbeam, cool</a>' in page
        assert "with temperature 0.2" in page

    def test_the_same_settings_are_refused(self, by_alice, parent):
        response = by_alice.post(address(parent), filled(parent, key="sk-another-key-0123"))
        assert response.status_code == 422
        assert "These are the settings of Hornbeam itself" in text(response)
        assert Competitor.objects.count() == 1

    @pytest.mark.parametrize("state", ["paired", "failed"])
    def test_under_its_parents_name_it_is_refused(self, by_alice, parent, state):
        Submission.objects.update(state=state)
        response = by_alice.post(address(parent), filled(parent, temperature="0.2", name="Hornbeam"))
        assert response.status_code == 422
        assert "give it another name" in text(response)
        parent.refresh_from_db()
        assert (parent.sampling, parent.parent) == (SAMPLING, None)

    def test_a_stranger_gets_no_look_at_an_address(self, client, bob, parent):
        client.force_login(bob)
        assert client.get(address(parent)).status_code == 404
        assert client.post(address(parent), filled(parent, temperature="0.2")).status_code == 404
        assert client.get("/submit/?parent=no-such-model").status_code == 404


class TestWithdraw:
    def test_its_owner_reads_what_that_means_and_withdraws(self, by_alice, parent):
        address = f"/models/{parent.slug}/withdraw/"
        assert address in text(by_alice.get(parent.get_absolute_url()))
        page = text(by_alice.get(address))
        assert "leaves every board" in page
        assert "waiting or generating for it is cancelled" in page
        parent.refresh_from_db()
        assert parent.withdrawn_at is None
        page = text(by_alice.post(address, follow=True))
        assert "Hornbeam was withdrawn" in page
        parent.refresh_from_db()
        assert parent.withdrawn_at is not None
        assert "It was withdrawn on" in text(by_alice.get(address))
        assert address not in text(by_alice.get(parent.get_absolute_url()))

    def test_a_stranger_does_not(self, client, bob, parent):
        client.force_login(bob)
        assert client.post(f"/models/{parent.slug}/withdraw/").status_code == 404
        client.logout()
        assert client.post(f"/models/{parent.slug}/withdraw/").status_code == 302  # to sign in
        parent.refresh_from_db()
        assert parent.withdrawn_at is None

    def test_a_model_that_nobody_owns_is_the_staffs(self, by_alice):
        imported = make_competitor()
        assert by_alice.post(f"/models/{imported.slug}/withdraw/").status_code == 404

    def test_its_name_takes_nothing_new(self, by_alice, parent):
        parent.withdraw(now=timezone.now())
        make_benchmark(1, slug="shapes")
        response = by_alice.post(
            "/submit/?kind=endpoint", filled(parent, name="Hornbeam", benchmark="shapes")
        )
        assert response.status_code == 422
        assert "Hornbeam was withdrawn. Choose another name" in text(response)

    def test_its_submission_says_so_and_offers_no_other_try(self, by_alice, parent):
        submission = parent.submissions.get()
        parent.withdraw(now=timezone.now())
        submission.cancel("withdrawn", "Its model was withdrawn. What was answered is kept.")
        page = text(by_alice.get(submission.get_absolute_url()))
        assert "The people who run this site can restore it" in page
        assert "retry/" not in page
        assert "Submit again" not in page
