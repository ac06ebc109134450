"""What staff may say of judges."""

from django import forms
from django.core.exceptions import ValidationError

from arena.models import Benchmark
from judging.models import CustomJudge, Judge, Panel, Rubric
from judging.models.panels import find_fault


class CriteriaField(forms.CharField):
    """Criteria as lines of ``name: description``."""

    widget = forms.Textarea(attrs={"rows": 6, "cols": 80})

    def prepare_value(self, value):
        return (
            "\n".join(f"{name}: {description}" for name, description in value)
            if isinstance(value, list)
            else value
        )

    def to_python(self, value):
        pairs = []
        for number, line in enumerate((value or "").splitlines(), start=1):
            if not line.strip():
                continue
            name, colon, description = (part.strip() for part in line.partition(":"))
            if not (name and colon and description):
                raise ValidationError(f"Line {number} has no name, colon and description: {line.strip()}")
            if len(name) > 40 or not all(letter.isalnum() or letter in " -_" for letter in name):
                raise ValidationError(
                    f"Line {number}: a name is up to 40 letters, digits, spaces and hyphens."
                )
            pairs.append([name.lower(), description])
        return pairs

    def validate(self, value):
        if not value:
            raise ValidationError("Give at least one criterion.")

    def run_validators(self, value):
        pass  # they are for text

    def has_changed(self, initial, data):
        return super().has_changed(self.prepare_value(initial), data)


class RubricForm(forms.ModelForm):
    criteria = CriteriaField(help_text="One a line, as name: what earns a high grade.")

    class Meta:
        model = Rubric
        fields = ("name", "criteria", "lowest", "highest")


class AsWritten(forms.CharField):
    """A text whose spaces and line ends count."""

    def __init__(self, **options):
        super().__init__(**options, strip=False)

    def to_python(self, value):
        return (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class CustomJudgeForm(forms.ModelForm):
    class Meta:
        model = CustomJudge
        fields = (
            *("name", "asks", "system", "template", "raw", "rule", "expression"),
            *("words_first", "words_second", "words_tie", "lowest", "highest", "tie_margin"),
        )
        field_classes = {"system": AsWritten, "template": AsWritten}
        widgets = {
            "system": forms.Textarea(attrs={"rows": 5, "cols": 90}),
            "template": forms.Textarea(attrs={"rows": 18, "cols": 90}),
            "expression": forms.TextInput(attrs={"size": 90}),
        }


class TryForm(forms.Form):
    """What a custom judge is tried on, and by whom."""

    match = forms.IntegerField(
        label="Match number", required=False, min_value=1, max_value=2**63 - 1, help_text="From its address."
    )
    benchmark = forms.ModelChoiceField(
        Benchmark.objects.order_by("name"),
        label="Or any match of",
        required=False,
        empty_label="none",
        help_text="One by chance, if no number is given.",
    )
    judge = forms.ModelChoiceField(
        Judge.objects.filter(engine=Judge.Engine.OPENAI),
        label="Ask the model of",
        required=False,
        empty_label="nobody: show the prompts",
        help_text="Its server is asked now, at its settings, and has 25 seconds.",
    )
    text = AsWritten(
        label="Or read this text",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 90}),
        help_text="What a judge might say. The rule reads it, and nobody is asked.",
    )

    def clean(self):
        found = super().clean() or {}
        if not (self.errors or found.get("match") or found.get("benchmark") or found.get("text")):
            raise ValidationError("Name a match or a benchmark, or give a text to read.")
        return found


class PanelForm(forms.ModelForm):
    """A judge made of several; what else a judge has follows from its members."""

    judges = forms.ModelMultipleChoiceField(
        Judge.objects.exclude(engine=Judge.Engine.PANEL),
        label="Members",
        widget=forms.CheckboxSelectMultiple,
        help_text="At least two. Where all of them have ruled on a match, or failed on it, the panel rules.",
        error_messages={"invalid_choice": "A member is a judge that is there, and no panel."},
    )
    protocol = forms.ChoiceField(
        label="Rule",
        choices=[
            ("majority", "majority: the verdict that more members gave than any other, else a tie"),
            ("mean", "mean: of the members’ preferences, a tie from 0.45 to 0.55"),
        ],
    )

    class Meta:
        model = Panel
        fields = ("name", "version", "slug", "description", "is_active")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "judges" in self.fields:
            self.initial.update(judges=self.instance.seated, protocol=self.instance.protocol)

    def clean_judges(self):
        members = list(self.cleaned_data["judges"])
        if fault := find_fault(members):
            raise ValidationError(fault)
        return members

    def clean(self):
        """What a panel is, before the judge itself is checked."""
        cleaned = super().clean() or {}
        if "judges" in cleaned and "protocol" in cleaned:
            self.instance.shape(cleaned["protocol"], cleaned["judges"])
        return cleaned
