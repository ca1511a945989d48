"""Fields of the admin's forms: foreign keys picked by autocomplete, rows of a table with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from core.soft_delete import is_soft_deleted

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
else:
    Inline = admin.TabularInline


# The script that names these fields to screen readers, which comes after Django's own.
NAMES = forms.Media(js=["admin/js/autocomplete.js", "truledgr/autocomplete.js"])


class KeyAutocomplete(AutocompleteSelect):
    """Drops what is no key, where Django's own raises while it renders the page."""

    @property
    def media(self) -> forms.Media:
        return super().media + NAMES

    def optgroups(self, name: str, value: Any, attrs: dict[str, Any] | None = None) -> Any:
        field = self.choices.queryset.model._meta.pk
        return super().optgroups(name, [key for key in value if _is_key_of(field, key)], attrs)


class LiveChoices:
    """Foreign keys are picked by autocomplete, and of soft-deleted models among live rows."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        options: Any = self
        if db_field.name in options.get_autocomplete_fields(request):
            kwargs["widget"] = KeyAutocomplete(db_field, options.admin_site)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and is_soft_deleted(field.queryset.model):
            field.queryset = field.queryset.filter(is_deleted=False)
        return field


class BaseInline(LiveChoices, Inline):
    extra = 0
    show_change_link = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Columns have headings, but the fields no labels: each says its own name."""
        made: Any = super().get_formset(request, obj, **kwargs)
        for field in made.form.base_fields.values():
            if not isinstance(field.widget, forms.MultiWidget):  # its parts have labels
                field.widget.attrs.setdefault("aria-label", capfirst(str(field.label)))
        made.deletion_widget = forms.CheckboxInput(attrs={"aria-label": _("Delete")})
        return made


def _is_key_of(field: Any, key: Any) -> bool:
    try:
        field.to_python(key)
    except (ValidationError, ValueError):
        return False
    return True
