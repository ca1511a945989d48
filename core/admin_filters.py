"""Filters of the admin's lists that ask no table what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

LONGEST_TERM = 64


class TextFilter(admin.SimpleListFilter):
    """A field to type into, for columns that hold more values than a list of links can."""

    template = "admin/text_filter.html"
    lookup: str
    hint: Any
    longest = LONGEST_TERM

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # the field stands in place of choices

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": not self.value(),
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("All"),
            "name": self.parameter_name,
            "value": self.value() or "",
            "hint": self.hint,
            "longest": self.longest,
            "others": others_of(self.request, self.parameter_name),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").replace("\0", "").strip()[: self.longest]
        return self.narrowed(queryset, self.cleaned(term)) if term else queryset

    def narrowed(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(**{self.lookup: term})

    def cleaned(self, term: str) -> str:
        return term


def others_of(request: HttpRequest, *own: str | None) -> list[tuple[str, str]]:
    """What a form of a filter has to keep: the parameters of everything else on the page."""
    return [
        (name, value)
        for name, values in request.GET.lists()
        if name not in {*own, PAGE_VAR}
        for value in values
    ]
