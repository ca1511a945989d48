"""The pages that clone a role and compare two of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.admin.formsets import add_refusal
from authorization.comparing import compare_roles
from authorization.models import Role
from authorization.services import roles
from core.admin_base import REFUSALS

CLONE = "authorization_role_clone"
COMPARE = "authorization_role_compare"


class CloneForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Made from the name when left empty."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class CompareForm(forms.Form):
    """``with`` is a word of Python's own, so that the field stands among the others by name."""

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Role.objects.alive().exclude(pk=role.pk)
        self.fields["with"] = forms.ModelChoiceField(queryset=others, label=_("With"))


def role_urls(model_admin: Any) -> list[URLPattern]:
    guarded = model_admin.admin_site.admin_view

    def clone(request: HttpRequest, object_id: str) -> HttpResponse:
        return clone_view(model_admin, request, object_id)

    def compare(request: HttpRequest, object_id: str) -> HttpResponse:
        return compare_view(model_admin, request, object_id)

    return [
        path("<path:object_id>/clone/", guarded(clone), name=CLONE),
        path("<path:object_id>/compare/", guarded(compare), name=COMPARE),
    ]


def urls_of(role: Role, *, may_add: bool) -> dict[str, str]:
    """Where the buttons on the page of a role lead."""
    urls = {"compare_url": reverse(f"admin:{COMPARE}", args=[role.pk])}
    if may_add:
        urls["clone_url"] = reverse(f"admin:{CLONE}", args=[role.pk])
    return urls


def clone_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask for a name; make the clone and go to its page."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    role = _live(model_admin, request, object_id)
    if role is None:
        return _not_found(model_admin, request, object_id)
    actor: Any = request.user
    form = CloneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = roles.clone_role(actor=actor, role=role, **form.cleaned_data)
        except REFUSALS as error:
            add_refusal(form, error)
        else:
            text = _("“%(clone)s” holds what “%(role)s” holds.") % {"clone": made, "role": role}
            model_admin.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(model_admin.page_of(quote(made.pk)))
    context = _context(model_admin, request, role, title=_("Clone")) | {"form": form}
    return TemplateResponse(request, "admin/authorization/role/clone.html", context)


def compare_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """What two roles have in common, and what only one of them holds."""
    role = _live(model_admin, request, object_id)
    if role is None:
        return _not_found(model_admin, request, object_id)
    form = CompareForm(request.GET if "with" in request.GET else None, role=role)
    context = _context(model_admin, request, role, title=_("Compare")) | {"form": form}
    if form.is_valid():
        comparison = compare_roles(role, form.cleaned_data["with"])
        context["comparison"] = comparison
        context["columns"] = [
            (_("Only %s") % comparison.left, comparison.only_left),
            (_("Both"), comparison.both),
            (_("Only %s") % comparison.right, comparison.only_right),
        ]
    return TemplateResponse(request, "admin/authorization/role/compare.html", context)


def _live(model_admin: Any, request: HttpRequest, object_id: str) -> Role | None:
    """The live role; raise ``PermissionDenied`` for those who may not look at it."""
    role: Role | None = model_admin.get_object(request, unquote(object_id))
    if not model_admin.has_view_or_change_permission(request, role):
        raise PermissionDenied
    return None if role is None or role.is_deleted else role


def _not_found(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    response: HttpResponse = model_admin.not_found(request, object_id)
    return response


def _context(model_admin: Any, request: HttpRequest, role: Role, *, title: str) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(role),
        "original": role,
        "opts": model_admin.opts,
    }
