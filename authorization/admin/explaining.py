"""Why may somebody do this? And who may? A page of the admin, linked from users and roles."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from authorization.admin.permissions import PermissionAdmin
from authorization.admin.pickers import CHOICES, VIEW_USER, Picker, choices_view, label_of_user
from authorization.admin.roles import RoleAdmin
from authorization.explaining import explain, grounds_for, who_can
from authorization.labels import label_of
from authorization.lookups import find_object, find_user, known_permission
from authorization.models import VIEW_ASSIGNMENT, Role
from core.errors import DomainError
from users.models import User

EXPLAIN = "authorization_explain"
TITLE = gettext_lazy("Why may somebody do this?")
PAGE_SIZE = 50


class QuestionForm(forms.Form):
    """What is asked: without a user, who may."""

    user = forms.CharField(
        label=gettext_lazy("User"),
        required=False,
        widget=Picker("user", gettext_lazy("Everybody who may")),
    )
    permission = forms.CharField(
        label=gettext_lazy("Permission"),
        widget=Picker("permission", gettext_lazy("Type part of its name")),
    )
    object = forms.CharField(
        label=gettext_lazy("Object"),
        required=False,
        widget=Picker("object", gettext_lazy("Everywhere")),
    )

    def __init__(self, *args: Any, asker: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asker = asker

    def clean_user(self) -> User | None:
        if not self.cleaned_data["user"]:
            return None
        user: User = _found(find_user, self.cleaned_data["user"])
        self.show("user", label_of_user(user, viewer=self.asker))
        return user

    def clean_permission(self) -> str:
        label: str = _found(known_permission, self.cleaned_data["permission"])
        return label

    def clean_object(self) -> Model | None:
        if not self.cleaned_data["object"]:
            return None
        obj: Model = _found(find_object, self.cleaned_data["object"])
        opts = obj._meta
        if not self.asker.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
            raise ValidationError(_("You may not look at objects of this kind."))
        self.show("object", f"{opts.verbose_name} {obj}")
        return obj

    def show(self, name: str, label: str) -> None:
        """What the picker says that is chosen, in place of a key."""
        widget: Any = self.fields[name].widget
        widget.label = lambda _value: label


def _found(find: Any, text: str) -> Any:
    try:
        return find(text)
    except DomainError as error:
        raise ValidationError(error.message) from None


admin.site.unregister(Permission)
admin.site.unregister(Role)


@admin.register(Permission)
class ExplainedPermissionAdmin(PermissionAdmin):
    """Permissions, with the page that says who may do what, and why."""

    fields = (*PermissionAdmin.fields, "holders")  # type: ignore[assignment]
    readonly_fields = fields  # type: ignore[assignment]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("explain/", view(self.explain_view), name=EXPLAIN),
            path("explain/choices/", view(self.choices_view), name=CHOICES),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("who may"))
    def holders(self, permission: Permission) -> str:
        address = explain_url(permission=label_of(permission))
        return format_html('<a href="{}">{}</a>', address, _("Everybody who may do this"))

    def explain_view(self, request: HttpRequest) -> HttpResponse:
        _refuse_others(request)
        return explain_page(request, self)

    def choices_view(self, request: HttpRequest) -> HttpResponse:
        _refuse_others(request)
        return choices_view(request, self.admin_site)


class ExplainedMixin:
    """A page with a link to who may do what, and why, among what there is to see also."""

    def asked_of(self, obj: Any) -> dict[str, str]:
        """What the page shall be asked about ``obj``."""
        return {}

    @admin.display(description=gettext_lazy("see also"))
    def see_also(self, obj: Any) -> str:
        link = format_html('<a href="{}">{}</a>', explain_url(**self.asked_of(obj)), TITLE)
        others = super().see_also(obj)  # type: ignore[misc]
        parts = ((part,) for part in (others, link) if part)
        return format_html_join(SafeString(" · "), "{}", parts)


@admin.register(Role)
class ExplainedRoleAdmin(ExplainedMixin, RoleAdmin):
    """Roles, with a link to who may do what, and why."""


class ExplainedUserMixin(ExplainedMixin):
    """The page of a user, with a link to why they may do something."""

    def asked_of(self, obj: Any) -> dict[str, str]:
        return {"user": str(obj.pk)}


def explain_url(**asked: str) -> str:
    address = reverse(f"admin:{EXPLAIN}")
    return f"{address}?{urlencode(asked)}" if asked else address


def _refuse_others(request: HttpRequest) -> None:
    if not request.user.has_perm(VIEW_ASSIGNMENT):
        raise PermissionDenied


@require_safe
def explain_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The question, and once a permission is named the answer to it."""
    asked = request.GET.dict()
    is_asked = bool(asked.get("permission") or asked.get("object"))
    initial = {name: asked.get(name, "") for name in QuestionForm.base_fields}
    form = QuestionForm(asked if is_asked else None, initial=initial, asker=request.user)
    if not is_asked and (user := _user_called(initial["user"])):
        form.show("user", label_of_user(user, viewer=form.asker))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": TITLE,
        "form": form,
        "media": form.media,
    }
    if is_asked and form.is_valid():
        given = form.cleaned_data
        context |= _answer(request, given["user"], given["permission"], given["object"])
    return TemplateResponse(request, "admin/authorization/explain.html", context)


def _answer(
    request: HttpRequest, user: User | None, permission: str, obj: Model | None
) -> dict[str, Any]:
    given = request.GET.dict()
    asked = {key: given[key] for key in ("permission", "object") if given.get(key)}
    viewer: Any = request.user
    if user is not None:
        found = explain(user, permission, obj, viewer=viewer)
        return {"found": found, "everybody_url": explain_url(**asked)}
    users = who_can(permission, obj).order_by("-pk")
    after = _key_of(given.get("after", ""))
    if after is not None:
        users = users.filter(pk__lt=after)
    page = list(users[: PAGE_SIZE + 1])
    more, page = page[PAGE_SIZE:], page[:PAGE_SIZE]
    grounds = grounds_for(page, permission, obj)
    return {
        "holders": [
            (user, grounds.get(user.pk, ()), explain_url(**asked, user=str(user.pk)))
            for user in page
        ],
        "shows_addresses": viewer.has_perm(VIEW_USER),
        "permission": permission,
        "object": obj,
        "kind": obj._meta.verbose_name if obj is not None else "",
        "is_first": after is None,
        "next_url": explain_url(**asked, after=str(page[-1].pk)) if more else "",
    }


def _user_called(text: str) -> User | None:
    try:
        return find_user(text) if text else None
    except DomainError:
        return None


def _key_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
