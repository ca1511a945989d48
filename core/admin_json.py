"""Form fields for JSON columns: a list of short texts a line each, and a JSON object."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from core.json_values import flaw_of

LONGEST_TEXT = 50
MOST_TEXTS = 20
LARGEST_JSON = 64 * 1024  # bytes, serialised


class TextListField(forms.Field):
    """A JSON list of short texts, edited one a line; doubles and blank lines are dropped."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 40, "class": "vLargeTextField tl-lines"})

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("One a line."))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return "\n".join(map(str, value))
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)

    def to_python(self, value: Any) -> list[str]:
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return list(dict.fromkeys(text for line in lines if (text := str(line).strip())))

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if len(value) > MOST_TEXTS:
            raise ValidationError(_("%d lines at most.") % MOST_TEXTS)
        for text in value:
            if len(text) > LONGEST_TEXT:
                raise ValidationError(
                    _("“%(text)s…” is longer than %(longest)d characters."),
                    params={"text": text[:20], "longest": LONGEST_TEXT},
                )
        if flaw := flaw_of(value):
            raise ValidationError(flaw)


class JSONObjectField(forms.JSONField):
    """A JSON object, shown indented, of a bounded size."""

    widget = forms.Textarea(
        attrs={"rows": 10, "cols": 80, "class": "vLargeTextField tl-json", "spellcheck": "false"}
    )
    default_error_messages = {
        "object": _("Enter a JSON object, such as {}."),
        "size": _("The JSON is larger than %(largest)d KiB."),
    }

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show what was typed as it was typed."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2, cls=self.encoder)

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return {} if found is None else found

    def validate(self, value: Any) -> None:
        super().validate(value)
        if not isinstance(value, dict):
            raise ValidationError(self.error_messages["object"], code="object")
        if flaw := flaw_of(value):
            raise ValidationError(flaw, code="flaw")
        if len(json.dumps(value, ensure_ascii=False).encode()) > LARGEST_JSON:
            raise ValidationError(
                self.error_messages["size"],
                code="size",
                params={"largest": LARGEST_JSON // 1024},
            )
