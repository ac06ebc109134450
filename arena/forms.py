"""What the outside may say: forms, the cap on uploads, and who may sign up."""

import re
import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.text import slugify

from arena.engines import ENGINES, storable
from arena.engines.guard import Guard, parse_allowed
from arena.models import Benchmark, Competitor
from arena.services.submissions import Entry
from arena.services.voting import Choice

TOO_LARGE, NO_ROOM = 413, 507  # HTTP statuses of files that were not read
FORM_ROOM = 1024 * 1024  # bytes that a request may hold beside its file


class CappedUploadHandler(FileUploadHandler):
    """Stops an upload that is over settings.UPLOAD_LIMIT while it streams; nothing of it is kept.

    The form then says so (``unread_status``). A request that announces far more than the limit is cut off at
    once, so that nobody makes the server read it to the end.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.received = 0
        self.announced = 0

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None) -> None:  # noqa: N803
        self.announced = content_length

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > settings.UPLOAD_LIMIT:
            if self.request is not None:
                self.request.META["arena.refused"] = TOO_LARGE
            raise StopUpload(connection_reset=self.announced > 4 * settings.UPLOAD_LIMIT + FORM_ROOM)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None  # the next handler keeps the file


class RoomyUploadHandler(TemporaryFileUploadHandler):
    """Keeps larger files on the disk; on one that is full, the form says so (``unread_status``)."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            super().receive_data_chunk(raw_data, start)
            self.file.flush()  # a disk that is full says so here, not when the file is closed
        except OSError as error:
            if self.request is not None:
                self.request.META["arena.refused"] = NO_ROOM
            raise StopUpload from error


def unread_status(request: HttpRequest) -> int:
    """The status for a request whose file was not read, TOO_LARGE or NO_ROOM; else 0."""
    return int(request.META.get("arena.refused", 0))


def plain_name(text: str) -> str:
    """A name in one form of Unicode, with single blanks. Signs that cannot be seen only mislead: refused."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not name.isprintable():
        raise forms.ValidationError("The name holds a sign that cannot be seen. Type it anew.")
    return name


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.ARENA_SIGNUP


class VoteForm(forms.Form):
    choice = forms.ChoiceField(choices=[(choice.value, choice.value) for choice in Choice])


class MarkedForm(forms.Form):
    """Says to assistive technology which of its fields are wrong."""

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"


class UploadForm(MarkedForm):
    """A form with a file. ``refused``: the status that says why it was not read (``unread_status``)."""

    file = forms.FileField(label="File", allow_empty_file=True)  # the check says what an empty file lacks

    def __init__(self, *args: Any, refused: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = filesizeformat(settings.UPLOAD_LIMIT)
        sentences = {
            TOO_LARGE: f"The file is larger than {limit}, so it was not read. Send a smaller one.",
            NO_ROOM: "This arena has no room for the file just now. Send it later, or tell its operator.",
        }
        if refused:
            self.fields["file"].error_messages["required"] = sentences[refused]


class SlugChoiceField(forms.ModelChoiceField):
    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\0", "") if value else value)  # the database knows no NUL


class EntryForm(MarkedForm):
    """Which benchmark a model enters, and under which name."""

    benchmark = SlugChoiceField(Benchmark.objects.open(), empty_label=None, to_field_name="slug")
    name = forms.CharField(
        max_length=120, label="Name of the model", widget=forms.TextInput({"autocomplete": "off"})
    )
    organisation = forms.CharField(max_length=120, required=False, label="Organisation")

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])

    def clean_organisation(self) -> str:
        return plain_name(self.cleaned_data["organisation"])

    @property
    def sampling(self) -> dict[str, object]:
        """The settings that were given; what was left empty is the server's own business."""
        given = {name: self.cleaned_data.get(name) for name in SamplingForm.base_fields}
        return {name: value for name, value in given.items() if value not in (None, "")}

    # Of a form that has them: how the model is loaded, folded in the page like the sampling settings.
    LOADING: tuple[str, ...] = ()

    def main_fields(self) -> list[forms.BoundField]:
        folded = {*SamplingForm.base_fields, *self.LOADING}
        return [field for field in self.visible_fields() if field.name not in folded]

    def loading_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name in self.LOADING]

    def sampling_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name in SamplingForm.base_fields]

    def sampling_is_open(self) -> bool:
        """Whether the settings are shown from the start: where one was given or is wrong."""
        return any(field.errors or field.value() for field in self.sampling_fields())

    def loading_is_open(self) -> bool:
        """The same for loading, whose choices always have a value."""
        plain = {None, "", "auto", "1", 1}
        return any(field.errors or field.value() not in plain for field in self.loading_fields())

    def changed_settings(self) -> list[str]:
        """What differs from the form's initial values, besides what every entry says anew."""
        anew = ("benchmark", "name", "organisation", "key")
        return [name for name in self.changed_data if name not in anew]

    def entry(self, user: Any, *, parent: Competitor | None = None, dry_run: bool = False) -> Entry:
        fields = {name: self.cleaned_data[name] for name in ("benchmark", "name", "organisation")}
        return Entry(user=user, sampling=self.sampling, parent=parent, dry_run=dry_run, **fields)


class SamplingForm(forms.Form):
    """How a model answers, by the field's names and ranges. They belong to the model, not to one entry."""

    temperature = forms.FloatField(required=False, min_value=0, max_value=2, label="Temperature")
    top_p = forms.FloatField(required=False, min_value=0.001, max_value=1, label="Top p")
    top_k = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="Top k",
        help_text="Not known to all servers.",
    )
    min_p = forms.FloatField(required=False, min_value=0, max_value=1, label="Min p")
    repetition_penalty = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=2,
        label="Repetition penalty",
        help_text="Not known to all servers.",
    )
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label="Longest answer, in tokens"
    )
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, label="Seed")
    system_prompt = forms.CharField(
        required=False, max_length=20_000, label="System prompt", widget=forms.Textarea({"rows": 3})
    )

    def clean_system_prompt(self) -> str:
        return storable(self.cleaned_data["system_prompt"])


class RecordedForm(UploadForm, EntryForm):
    field_order = ["benchmark", "name", "organisation", "file"]


class RetryForm(forms.Form):
    key = forms.CharField(
        required=False,
        max_length=500,
        label="API key",
        help_text="Kept encrypted, used to ask this endpoint alone, and never shown again.",
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )

    def clean_key(self) -> str:
        key = self.cleaned_data["key"].strip()
        if not re.fullmatch(r"[!-~]*", key):
            raise forms.ValidationError("A key holds only printable ASCII characters, without spaces.")
        return key


class EndpointForm(EntryForm, RetryForm, SamplingForm):
    base_url = forms.CharField(
        max_length=300,
        label="Base URL",
        help_text="The address of the API with its version, such as https://api.example.org/v1",
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    model = forms.CharField(
        max_length=200,
        label="Model name on that server",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["benchmark", "name", "organisation", "base_url", "model", "key"]

    def clean_model(self) -> str:
        return plain_name(self.cleaned_data["model"])

    def clean_base_url(self) -> str:
        url = self.cleaned_data["base_url"].strip()
        try:
            Guard(allowed=parse_allowed(settings.ENDPOINT_ALLOW)).check_url(url)
            ENGINES["openai"](base_url=url, model="any")
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return url


class BenchmarkForm(UploadForm):
    name = forms.CharField(max_length=80, label="Name")
    description = forms.CharField(
        required=False,
        max_length=4000,
        label="Description",
        widget=forms.Textarea({"rows": 3}),
        help_text="What it measures, in a sentence or two.",
    )
    is_open = forms.BooleanField(
        required=False,
        initial=True,
        label="Open: takes new models, and people vote on it",
    )
    field_order = ["name", "description", "file", "is_open"]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if slugify(name) == "new":  # the address of this very form
            raise forms.ValidationError("This name is kept for the site itself. Choose another one.")
        return name
