"""Django's admin, entered through the one sign-in page."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect


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
