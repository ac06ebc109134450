"""Models in folders of this host which the worker may not read, or that are not whole."""

import tempfile
from pathlib import Path

import pytest

from arena.engines.vllm import Launch, ServerFailed
from arena.engines.vllm.launch import arguments
from arena.models import HostModel
from arena.repositories import Refused
from arena.services.adapters import adapter_folder
from arena.services.checking import look_at
from tests.accounts import unprivileged


@pytest.fixture
def model():
    """A folder that every account can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        folder.mkdir()
        for file in ("config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors"):
            (folder / file).write_text("{}")
        Path(name).chmod(0o755)
        yield folder
        folder.chmod(0o755)


def failure(model: Path) -> ServerFailed:
    with pytest.raises(ServerFailed) as caught, unprivileged():
        arguments(Launch(str(model)))
    return caught.value


def test_what_may_be_read_is_started(model):
    with unprivileged():
        assert f"--model={model}" in arguments(Launch(str(model)))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_may_not_be_read_says_so(model, name):
    (model / name).chmod(0)
    found = failure(model)
    with unprivileged() as account:
        words = f"{model / name} may not be read by {account}, as whom the worker runs; give that account"
    assert (found.code, found.final) == ("not_readable", True)
    assert found.message.startswith(words)


def test_a_folder_that_may_not_be_read_is_not_missing(model):
    model.chmod(0)
    found = failure(model)
    assert found.code == "not_readable"
    assert found.message.startswith(f"{model} may not be read by ")


def test_a_folder_in_one_that_may_not_be_entered_is_not_missing(model):
    model.chmod(0o600)
    assert failure(model / "inside").code == "not_readable"


def test_a_folder_that_is_not_there(model):
    for place in (model / "none", model / "config.json"):
        found = failure(place)
        assert (found.code, found.message) == (
            "no_such_model",
            f"There is no folder {place} on this host; check the path.",
        )


def test_a_link_to_weights_that_are_gone(model):
    (model / "model-2.safetensors").symlink_to(model / "blob")
    assert failure(model).message == (
        f"{model / 'model-2.safetensors'} cannot be read (No such file or directory); mend or copy it, "
        "and try again."
    )


def test_other_files_need_not_be_readable(model):
    (model / "notes.md").write_text("Mine alone.")
    (model / "notes.md").chmod(0)
    with unprivileged():
        assert arguments(Launch(str(model)))


def test_an_adapter_that_may_not_be_read(model):
    adapter = HostModel(source="/models/base", adapter=str(model))
    (model / "adapter_model.safetensors").chmod(0)
    with pytest.raises(ServerFailed, match="may not be read by") as caught, unprivileged():
        adapter_folder(adapter)
    assert caught.value.code == "not_readable"


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["", "config.json"])
def test_looking_at_it_says_the_same(model, place):
    (model / place).chmod(0)
    submitted = HostModel(source=str(model))
    with pytest.raises(Refused, match="may not be read by") as caught, unprivileged():
        look_at(submitted)
    assert caught.value.code == "not_readable"
