"""Django's admin, entered through the one sign-in page."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.apps import apps as installed
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from truledgr import admin_analytics, admin_explaining, admin_home, palette


class TruLedgrAdminSite(admin.AdminSite):
    site_header = "TruLedgr"
    site_title = "TruLedgr"
    index_title = "Administration"
    empty_value_display = "—"

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people who are not signed in to the sign-in page; refuse those without rights."""
        response: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return response

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """One page changes passwords, with the checks that belong to it."""
        return redirect("account_change_password")

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The start page: is all well, what is going on, and everything there is."""
        home = admin_home.context_of(request)
        return super().index(request, {"home": home, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [
            path("palette/", self.admin_view(self.palette), name="palette"),
            path(
                "analytics/sessions/",
                self.admin_view(self.session_analytics),
                name="session_analytics",
            ),
            path(
                "analytics/sessions.csv",
                self.admin_view(admin_analytics.analytics_file),
                name="session_analytics_file",
            ),
            *super().get_urls(),
        ]

    def session_analytics(self, request: HttpRequest) -> HttpResponse:
        return admin_analytics.analytics_page(request, self)

    def palette(self, request: HttpRequest) -> HttpResponse:
        return palette.palette_page(request, self)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Django's own, with the pages that are no lists among what there is of their apps."""
        apps: list[Any] = super().get_app_list(request, app_label)
        for label, entry_of in PAGES.items():
            entry = entry_of(request) if app_label in {None, label} else None
            if entry is not None:
                _add(apps, label, entry)
        return apps


PAGES = {"users": admin_analytics.entry_of, "authorization": admin_explaining.entry_of}


def _add(apps: list[Any], label: str, entry: dict[str, Any]) -> None:
    for app in apps:
        if app["app_label"] == label:
            app["models"].append(entry)
            return
    apps.append(_app_of(label, entry))


def _app_of(label: str, entry: dict[str, Any]) -> dict[str, Any]:
    """For who may see nothing else of that app."""
    return {
        "name": installed.get_app_config(label).verbose_name,
        "app_label": label,
        "app_url": reverse("admin:app_list", args=[label]),
        "has_module_perms": True,
        "models": [entry],
    }
