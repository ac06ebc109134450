"""LoRA adapters and the settings of loading, from the form to what vLLM is started with."""

import json

import pytest
from django.utils import timezone

from arena.engines.vllm import Launch, ServerFailed
from arena.engines.vllm.launch import arguments
from arena.models import AllowedCode, HostModel, Submission
from arena.services.adapters import adapter_folder
from arena.services.checking import check_received
from arena.services.submissions import Entry, accept_host_model
from tests.arena.repositories.hub import COMMIT, running_hub
from tests.arena.repositories.test_adapters import CONFIG
from tests.arena.repositories.test_repositories import MODEL
from tests.factories import make_benchmark
from tests.tiny_adapters import safetensors_of, shapes_of

pytestmark = pytest.mark.django_db

FITTING = {"adapter_model.safetensors": safetensors_of(shapes_of("model.layers.0.self_attn.q_proj", 64, 64))}
ADAPTER = FITTING | {"adapter_config.json": json.dumps(CONFIG).encode(), "README.md": b"An adapter."}
HUB = {"owner/base": MODEL, "owner/lora": ADAPTER, "owner/code": MODEL | {"modeling.py": b""}}


@pytest.fixture
def hub(tmp_path, monkeypatch, settings):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with running_hub(HUB) as hub:
        settings.HF_ENDPOINT = hub.endpoint
        yield hub


@pytest.fixture
def checked(olga):
    benchmark = make_benchmark(2)

    def send(source: str, **options) -> Submission:
        entry = Entry(olga, benchmark, f"{source} {options}")
        submission = accept_host_model(entry, source=source, now=timezone.now(), **options)
        check_received()
        return Submission.objects.select_related("host_model").get(pk=submission.pk)

    return send


class TestRepositories:
    def test_base_and_adapter_are_pinned(self, hub, checked):
        model = checked("owner/base", adapter="owner/lora", adapter_revision="main").host_model
        assert (model.revision, model.adapter, model.adapter_revision) == (COMMIT, "owner/lora", COMMIT)
        assert model.facts["architecture"] == "LlamaForCausalLM"
        assert model.facts["adapter"]["rank"] == model.adapter_rank == 8
        assert model.facts["memory_mib"] > 1000
        assert str(model) == f"owner/lora@{COMMIT} on owner/base@{COMMIT}"

    def test_its_files_are_fetched_at_that_commit_and_no_others(self, hub, checked):
        model = checked("owner/base", adapter="owner/lora").host_model
        folder = adapter_folder(model)
        assert folder.name == COMMIT
        assert {path.name for path in folder.iterdir()} == {
            "adapter_config.json",
            "adapter_model.safetensors",
        }

    def test_a_base_and_its_adapters_have_one_server(self, hub, checked):
        plain, tuned = (
            checked("owner/base").host_model,
            checked("owner/base", adapter="owner/lora").host_model,
        )
        other = checked("owner/base", adapter="owner/lora", dtype="float32").host_model
        assert plain.base == tuned.base != other.base
        assert [*HostModel.objects.adapters_on(plain).exclude(facts={})] == [tuned]

    @pytest.mark.parametrize(
        ("source", "adapter", "cause"),
        [
            ("owner/base", "owner/base", "no_config"),
            ("owner/lora", "", "adapter"),
            ("owner/code", "owner/lora", "remote_code"),
            ("owner/base", "owner/none", "no_such_model"),
        ],
    )
    def test_what_is_no_base_or_no_adapter_is_refused(self, hub, checked, source, adapter, cause):
        submission = checked(source, adapter=adapter)
        assert (submission.state, submission.cause) == ("failed", cause)

    def test_an_adapter_of_another_base_is_refused(self, hub, checked):
        hub.repositories["owner/other"] = MODEL
        submission = checked("owner/other", adapter="owner/lora")
        assert submission.cause == "other_base"
        assert "was made on owner/base, not on owner/other" in submission.message

    def test_an_adapter_of_other_widths_is_refused_by_headers_alone(self, hub, checked):
        wide = {"model.layers.0.self_attn.q_proj.weight": (2048, 2048)}  # of 16 MiB
        hub.repositories["owner/base"] = MODEL | {"model.safetensors": safetensors_of(wide)}
        submission = checked("owner/base", adapter="owner/lora")
        assert submission.cause == "other_base"
        assert "lora_A.weight takes 64 numbers, where the base has 2,048" in submission.message
        assert sum(map(bool, hub.asked)) == 2  # a range of each of the two files

    def test_weights_that_are_none_are_refused(self, hub, checked):
        hub.repositories["owner/lora"] = ADAPTER | {"adapter_model.safetensors": b"<html>"}
        submission = checked("owner/base", adapter="owner/lora")
        assert submission.cause == "bad_weights"

    def test_a_folder_without_safetensors_is_not_given_to_vllm(self, tmp_path):
        (tmp_path / "adapter_config.json").write_text("{}")
        (tmp_path / "adapter_model.bin").write_bytes(b"a pickle")
        with pytest.raises(ServerFailed, match=r"no adapter_model\.safetensors") as failure:
            adapter_folder(HostModel(source="/models/base", adapter=str(tmp_path)))
        assert failure.value.final


class TestCode:
    def test_code_runs_at_the_commit_that_an_administrator_allowed(self, hub, checked):
        assert checked("owner/code").cause == "remote_code"
        AllowedCode.objects.create(source="owner/code", revision=COMMIT)
        model = checked("owner/code", revision="main").host_model
        assert (model.revision, model.trusts_code) == (COMMIT, True)

    def test_another_commit_is_refused_as_before(self, hub, checked):
        AllowedCode.objects.create(source="owner/code", revision="f" * 40)
        assert checked("owner/code").cause == "remote_code"

    def test_the_admin_takes_whole_commits_alone(self, client, olga):
        client.force_login(olga)
        form = {"source": "owner/code", "revision": "main", "why": "read"}
        page = client.post("/admin/arena/allowedcode/add/", form).content.decode()
        assert "Write the whole commit" in page
        client.post("/admin/arena/allowedcode/add/", form | {"revision": COMMIT})
        assert AllowedCode.objects.get().why == "read"


class TestLaunch:
    def test_adapters_are_kept_at_the_next_rank_that_vllm_knows(self):
        assert "--max-lora-rank=32" in arguments(Launch("owner/base", adapter_rank=20))
        assert "--enable-lora" not in arguments(Launch("owner/base"))

    def test_code_needs_a_whole_commit(self):
        found = arguments(Launch("owner/code", COMMIT, trusts_code=True))
        assert found[-2:] == ["--trust-remote-code", f"--code-revision={COMMIT}"]
        for launch in (
            Launch("owner/code", "main", trusts_code=True),
            Launch("owner/code", trusts_code=True),
        ):
            with pytest.raises(ServerFailed, match="at one commit alone"):
                arguments(launch)

    def test_no_option_brings_it_in(self):
        with pytest.raises(ServerFailed, match="may not be set"):
            arguments(Launch("owner/code", COMMIT, {"trust_remote_code": True}))


class TestForm:
    FORM = {"benchmark": "colours", "name": "Tuned", "source": "owner/base", "dtype": "auto"}

    @pytest.fixture
    def send(self, client, olga):
        make_benchmark(1, slug="colours")
        client.force_login(olga)
        return lambda **fields: client.post("/submit/?kind=host", self.FORM | fields)

    def test_everything_reaches_the_model(self, send):
        template = (
            "{% for m in messages %}{{ m.content }}{% generation %}{% endgeneration %}{% break %}{% endfor %}"
        )
        given = {"adapter": "owner/lora", "quantization": "fp8", "tensor_parallel_size": "2"}
        assert send(**given, chat_template=template).status_code == 302
        model = HostModel.objects.get()
        assert model.options == {"quantization": "fp8", "tensor_parallel_size": 2}
        assert (model.adapter, model.chat_template) == ("owner/lora", template)

    def test_what_is_left_empty_is_as_the_model_says(self, send):
        assert send().status_code == 302
        assert HostModel.objects.get().options == {}

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("chat_template", "{{ a }}\n{% for %}", "Line 2 is no Jinja"),
            ("chat_template", "x" * 65537, "at most 65536"),
            ("adapter", "no/such/place", "owner/name, or an absolute path"),
            ("adapter", "../lora", "owner/name, or an absolute path"),
            ("adapter_revision", "-x", "a branch, a tag or a commit"),
            ("quantization", "gguf", "not one of the available choices"),
            ("tensor_parallel_size", "3", "not one of the available choices"),
        ],
    )
    def test_bad_input_is_named_at_its_field(self, send, field, value, words):
        response = send(**{field: value})
        assert response.status_code == 422
        assert words in str(response.context["form"].errors[field])
        assert not Submission.objects.exists()

    def test_a_revision_of_no_adapter(self, send):
        response = send(adapter_revision="main")
        assert "Name the adapter" in str(response.context["form"].errors["adapter"])
