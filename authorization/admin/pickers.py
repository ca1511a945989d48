"""Fields to pick a user, a permission and an object by typing part of what they are called.

The admin's own autocompletes look up the target of a foreign key; what is asked about here is the
target of none, so that one view answers for all three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.text import capfirst

from authorization.grounds import explained_models
from authorization.labels import by_module, every_permission
from authorization.lookups import name_of
from core.admin_fields import NAMES
from users.models import User

CHOICES = "authorization_explain_choices"
VIEW_USER = "users.view_user"
MOST_USERS, MOST_OBJECTS_OF_A_KIND = 20, 8

Results = list[dict[str, Any]]


class Picker(AutocompleteMixin, forms.Select):
    """``kind`` is a key of ``KINDS``; ``label`` says what a value stands for."""

    def __init__(self, kind: str, placeholder: Any) -> None:
        super().__init__(None, admin.site)
        self.kind, self.placeholder = kind, placeholder
        self.label: Callable[[str], str] = str

    @property
    def media(self) -> forms.Media:
        return super().media + NAMES

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        attrs = super(AutocompleteMixin, self).build_attrs(base_attrs, extra_attrs)
        return {
            **attrs,
            "class": "admin-autocomplete",
            "lang": self.i18n_name,  # type: ignore[attr-defined]  # the stubs lack it
            "data-ajax--cache": "true",
            "data-ajax--delay": 250,
            "data-ajax--type": "GET",
            "data-ajax--url": reverse(f"admin:{CHOICES}"),
            "data-app-label": "authorization",
            "data-model-name": "explanation",
            "data-field-name": self.kind,
            "data-theme": "admin-autocomplete",
            "data-allow-clear": "true",
            "data-placeholder": str(self.placeholder),
        }

    def optgroups(self, name: str, value: Any, attrs: dict[str, Any] | None = None) -> Any:
        """Nothing, and what is chosen: the rest comes while somebody types."""
        chosen = [text for text in value if text]
        options = [self.create_option(name, "", "", not chosen, 0)]
        options += [
            self.create_option(name, text, self.label(text), selected=True, index=1)
            for text in chosen
        ]
        return [(None, options, 0)]


def choices_view(request: HttpRequest, site: AdminSite) -> JsonResponse:
    """What fits the typed ``term``, in the shape that the widget's script expects."""
    find = KINDS.get(request.GET.get("field_name", ""))
    if find is None:
        raise PermissionDenied
    term = request.GET.get("term", "").replace("\0", "").strip()
    return JsonResponse({"results": find(request, site, term), "pagination": {"more": False}})


def _users(request: HttpRequest, site: AdminSite, term: str) -> Results:
    model_admin: Any = site.get_model_admin(User)
    if not model_admin.has_view_permission(request):
        return []
    rows, _may_repeat = model_admin.get_search_results(request, User.objects.alive(), term)
    viewer = request.user
    return [_choice(str(user.pk), label_of_user(user, viewer=viewer)) for user in rows[:MOST_USERS]]


def _permissions(_request: HttpRequest, _site: AdminSite, term: str) -> Results:
    """All of them: what they are called is no secret."""
    words = term.casefold().split()
    fitting = [
        label
        for label in every_permission()
        if all(word in f"{label.permission} {label.name}".casefold() for word in words)
    ]
    return [
        {
            "text": module.name,
            "children": [
                _choice(label.permission, f"{label.name} — {label.permission}")
                for label in module.permissions
            ],
        }
        for module in by_module(fitting)
    ]


def _objects(request: HttpRequest, site: AdminSite, term: str) -> Results:
    """Of each kind that has a page, those that this member of staff may look at."""
    found = []
    for rule in explained_models().values():
        model: Any = rule.model
        if not site.is_registered(model):
            continue
        model_admin: Any = site.get_model_admin(model)
        if not model_admin.has_view_permission(request):
            continue
        rows = model._base_manager.select_related(*rule.related).order_by("-pk")
        rows, _may_repeat = model_admin.get_search_results(request, rows, term)
        children = [_choice(name_of(obj), str(obj)) for obj in rows[:MOST_OBJECTS_OF_A_KIND]]
        if children:
            name = capfirst(str(model._meta.verbose_name_plural))
            found.append({"text": name, "children": children})
    return found


KINDS = {"user": _users, "permission": _permissions, "object": _objects}


def label_of_user(user: User, *, viewer: Any) -> str:
    return f"{user} — {user.email}" if viewer.has_perm(VIEW_USER) else str(user)


def _choice(key: str, text: str) -> dict[str, Any]:
    return {"id": key, "text": text}
