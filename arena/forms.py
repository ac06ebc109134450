"""What the outside may say: forms, the cap on uploads, and who may sign up."""

import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django import forms
from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.text import slugify

from arena.models import Benchmark
from arena.services.voting import Choice

FORM_ROOM = 1024 * 1024  # bytes that a request may hold beside its file


class CappedUploadHandler(FileUploadHandler):
    """Stops an upload that is over settings.UPLOAD_LIMIT while it streams; nothing of it is kept.

    The form then says so (``too_large``). A request that announces far more than the limit is cut off at
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
                self.request.META["arena.too_large"] = True
            raise StopUpload(connection_reset=self.announced > 4 * settings.UPLOAD_LIMIT + FORM_ROOM)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None  # the next handler keeps the file


def too_large(request: HttpRequest) -> bool:
    """Whether CappedUploadHandler stopped this request's file."""
    return bool(request.META.get("arena.too_large"))


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


class UploadForm(forms.Form):
    """A form with a file. ``refused`` is set where the file was too large to be read."""

    file = forms.FileField(label="File", allow_empty_file=True)  # the check says what an empty file lacks

    def __init__(self, *args: Any, refused: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if refused:
            limit = filesizeformat(settings.UPLOAD_LIMIT)
            self.fields["file"].error_messages["required"] = (
                f"The file is larger than {limit}, so it was not read. Send a smaller one."
            )
        for name, field in self.fields.items():
            if self.is_bound and self.errors.get(name):
                field.widget.attrs["aria-invalid"] = "true"


class SlugChoiceField(forms.ModelChoiceField):
    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\0", "") if value else value)  # the database knows no NUL


class SubmitForm(UploadForm):
    benchmark = SlugChoiceField(Benchmark.objects.open(), empty_label=None, to_field_name="slug")
    name = forms.CharField(
        max_length=120, label="Name of the model", widget=forms.TextInput({"autocomplete": "off"})
    )
    organisation = forms.CharField(max_length=120, required=False, label="Organisation")
    field_order = ["benchmark", "name", "organisation", "file"]

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])

    def clean_organisation(self) -> str:
        return plain_name(self.cleaned_data["organisation"])


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
