"""What staff may say of judges."""

from django import forms
from django.core.exceptions import ValidationError

from judging.models import Rubric


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
