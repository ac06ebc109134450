"""The form for a model that workers with vLLM serve."""

import re
from typing import Any

from django import forms
from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from arena.engines import storable
from arena.engines.vllm.launch import HUB_NAME, REVISION
from arena.forms import EntryForm, SamplingForm
from arena.models import HostModel

TEMPLATE_LENGTH = 64 * 1024
# The marks of what a model says, which its trainers' tools know beyond Jinja.
GENERATION = re.compile(r"{%-?\s*(end)?generation\s*-?%}")
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class HostForm(EntryForm, SamplingForm):
    """Paths on the hosts and programs of one's own (templates) are for staff: ``by_staff``."""

    source = forms.CharField(
        max_length=300,
        label="Model",
        help_text="A Hugging Face repository, such as Qwen/Qwen3-0.6B.",
        widget=forms.TextInput(PLAIN),
    )
    revision = forms.CharField(
        required=False,
        max_length=100,
        label="Revision",
        help_text="Branch, tag or commit; the commit that it stands for now is kept.",
    )
    adapter = forms.CharField(
        required=False,
        max_length=300,
        label="LoRA adapter",
        help_text="Its repository, if the model is to be asked with an adapter.",
        widget=forms.TextInput(PLAIN),
    )
    adapter_revision = forms.CharField(required=False, max_length=100, label="Revision of the adapter")
    dtype = forms.ChoiceField(choices=HostModel.DType.choices, label="Number format", initial="auto")
    max_model_len = forms.IntegerField(
        required=False, min_value=16, max_value=10_000_000, label="Longest context, in tokens"
    )
    quantization = forms.ChoiceField(
        required=False, choices=HostModel.Quantization.choices, label="Quantization"
    )
    tensor_parallel_size = forms.TypedChoiceField(
        required=False,
        choices=[(n, str(n)) for n in (1, 2, 4, 8)],
        coerce=int,
        empty_value="1",
        initial=1,
        label="GPUs to split it over",
    )
    chat_template = forms.CharField(
        required=False,
        max_length=TEMPLATE_LENGTH,
        strip=False,
        label="Chat template",
        help_text="In Jinja, instead of the one that the model comes with.",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "class": "code"}),
    )
    LOADING = ("dtype", "max_model_len", "quantization", "tensor_parallel_size", "chat_template")
    field_order = [
        *("benchmark", "name", "organisation"),
        *("source", "revision", "adapter", "adapter_revision"),
        *LOADING,
    ]

    def __init__(self, *args: Any, by_staff: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_staff = by_staff
        if by_staff:
            for name in ("source", "adapter"):
                self.fields[name].help_text += " Or a path on the GPU hosts."
        else:
            del self.fields["chat_template"]

    def clean_source(self) -> str:
        return self._place(self.cleaned_data["source"])

    def clean_adapter(self) -> str:
        return self._place(self.cleaned_data["adapter"])

    def clean_revision(self) -> str:
        return _revision(self.cleaned_data["revision"])

    def clean_adapter_revision(self) -> str:
        return _revision(self.cleaned_data["adapter_revision"])

    def clean_chat_template(self) -> str:
        template = storable(self.cleaned_data["chat_template"]).replace("\r\n", "\n")
        if not template.strip():
            return ""
        reader = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"])
        try:
            reader.parse(GENERATION.sub("", template))
        except TemplateSyntaxError as error:
            words = f"Line {error.lineno} is no Jinja: {error.message}."
            raise forms.ValidationError(words) from error
        except RecursionError as error:
            raise forms.ValidationError("It is nested too deeply to be read.") from error
        return template

    def clean_tensor_parallel_size(self) -> int:
        return int(self.cleaned_data["tensor_parallel_size"])

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("adapter_revision") and not self.cleaned_data.get("adapter"):
            self.add_error("adapter", "Name the adapter that this is a revision of.")

    @property
    def settings(self) -> dict[str, Any]:
        """HostModel's own."""
        return {name: self.cleaned_data[name] for name in HostModel.SETTINGS if name in self.fields}

    def _place(self, given: str) -> str:
        place = given.strip()
        if not place or HUB_NAME.fullmatch(place) or (self.by_staff and place.startswith("/")):
            return storable(place)
        path = ", or an absolute path" if self.by_staff else ""
        raise forms.ValidationError(f"Write a repository such as owner/name{path}.")


def _revision(given: str) -> str:
    revision = given.strip()
    if revision and not REVISION.fullmatch(revision):
        raise forms.ValidationError("A revision is a branch, a tag or a commit.")
    return revision
