"""The forms of items: to edit one, to move some, to change many, to import a file."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, BinaryIO

from django import forms
from django.conf import settings
from django.contrib.admin import site
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin_fields import KeyAutocomplete
from core.admin_json import JSONObjectField, TextListField
from core.admin_soft_delete import SoftDeleteForm
from groups.models import Group
from items.models import Item, ItemKind
from items.services.import_rows import CSV, JSON_LINES
from items.services.importing import CREATE, UPSERT
from users.models import User

# A file of up to this size comes back with the confirmation; a larger one is chosen again.
MOST_CARRIED = 1024 * 1024


class ItemForm(SoftDeleteForm):
    tags = TextListField(required=False)
    data = JSONObjectField(required=False)  # type: ignore[assignment]
    version_read = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Item
        fields = ("name", "kind", "is_active", "owner", "group", "description", "tags", "data")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["version_read"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "owner" in data and "group" in data and bool(data["owner"]) == bool(data["group"]):
            text = _("Choose either a person or a group as the owner.")
            self.add_error("owner", ValidationError(text, code="one_owner"))
        read = data.get("version_read")
        if read is not None and read != self.instance.version:
            raise ValidationError(
                _("Somebody changed this item while you were editing it. Open it again.")
            )
        return data

    def validate_constraints(self) -> None:
        """The rule of one owner is said once, by ``clean()``."""
        if not self.has_error("owner", "one_owner"):
            super().validate_constraints()


def person_field(**kwargs: Any) -> forms.ModelChoiceField[User]:
    widget = KeyAutocomplete(Item._meta.get_field("owner"), site)
    return forms.ModelChoiceField(User.objects.alive(), widget=widget, **kwargs)


def group_field(**kwargs: Any) -> forms.ModelChoiceField[Group]:
    widget = KeyAutocomplete(Item._meta.get_field("group"), site)
    return forms.ModelChoiceField(Group.objects.alive(), widget=widget, **kwargs)


class HolderForm(forms.Form):
    """A person or a group, and not both."""

    is_required = True

    owner = person_field(required=False, label=gettext_lazy("Person"))
    group = group_field(required=False, label=gettext_lazy("Group"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen = [name for name in ("owner", "group") if data.get(name)]
        if not self.errors and (len(chosen) == 2 or (self.is_required and not chosen)):  # noqa: PLR2004
            raise ValidationError(_("Choose a person or a group, and not both."))
        return data


class MoveForm(HolderForm):
    version_read = forms.IntegerField(widget=forms.HiddenInput)


class GroupForm(forms.Form):
    group = group_field(label=gettext_lazy("Group"))


class KindForm(forms.Form):
    kind = forms.ChoiceField(choices=ItemKind.choices, label=gettext_lazy("Kind"))


class ImportForm(HolderForm):
    """What to import, for whom, and how; ``carried`` is the file of the step before."""

    is_required = False

    file = forms.FileField(
        required=False,
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.jsonl,.ndjson"}),
        help_text=format_lazy(
            gettext_lazy("CSV or JSON Lines in UTF-8, of {most} MiB at most."),
            most=settings.ITEM_IMPORT_MAX_BYTES // (1024 * 1024),
        ),
    )
    carried = forms.CharField(required=False, widget=forms.HiddenInput)
    file_format = forms.ChoiceField(
        choices=[("", gettext_lazy("By its name")), (CSV, "CSV"), (JSON_LINES, "JSON Lines")],
        required=False,
        label=gettext_lazy("Format"),
    )
    mode = forms.ChoiceField(
        choices=[
            (CREATE, gettext_lazy("Make a new item of each row")),
            (UPSERT, gettext_lazy("Change the items whose ids are given, and make the others")),
        ],
        label=gettext_lazy("Rows"),
    )
    field_order = ("file", "file_format", "mode", "owner", "group", "carried")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].help_text = _("Whose the new items shall be; yours by default.")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        file = data.get("file")
        if file and file.size > settings.ITEM_IMPORT_MAX_BYTES:
            self.add_error("file", _("The file is too large. Cut it into several."))
        elif not file and not data.get("carried") and not self.has_error("file"):
            self.add_error("file", _("Choose a file."))
        if not data.get("file_format"):
            name = file.name.lower() if file else ""
            data["file_format"] = JSON_LINES if name.endswith((".jsonl", ".ndjson")) else CSV
        return data

    def clean_carried(self) -> bytes:
        """The file of the step before; nothing where that is not what has come back."""
        try:
            return base64.b64decode(self.cleaned_data["carried"], validate=True)
        except (binascii.Error, ValueError):
            return b""

    def open(self) -> BinaryIO:
        """The file to import."""
        uploaded = self.cleaned_data.get("file")
        file: BinaryIO = uploaded.file if uploaded else io.BytesIO(self.cleaned_data["carried"])
        return file

    def to_carry(self) -> str:
        """The file for the next step, as text; empty when it is too large for that."""
        file = self.open()
        file.seek(0)
        content = file.read(MOST_CARRIED + 1)
        return base64.b64encode(content).decode() if len(content) <= MOST_CARRIED else ""
