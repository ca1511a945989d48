"""Sessions in the admin: found by what is noted of them, and ended."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin_base import ReadOnlyAdmin, admin_url, short_id
from users.admin.session_filters import (
    BrowserFilter,
    CountryFilter,
    ImpersonatedFilter,
    MethodFilter,
    RememberedFilter,
    RiskFilter,
    StateFilter,
    SystemFilter,
)
from users.models import EndReason, User, UserSession
from users.risk.wording import WORDS
from users.sessions import revoke_sessions

CONFIRMATION = "admin/users/usersession/end.html"
MOST_USERS = 200  # whose sessions one search shows
FACTORS = {
    "authentication.totpdevice": gettext_lazy("authenticator app"),
    "authentication.backupcodedevice": gettext_lazy("backup code"),
    "django_otp_webauthn.webauthncredential": gettext_lazy("passkey"),
}


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "short", "user", "is_open", "risk_score", "agent", "place", "login_method", "client_ip",
        "last_activity_at",
    )  # fmt: skip
    list_filter = (
        StateFilter, RiskFilter, CountryFilter, "device_type", BrowserFilter, SystemFilter,
        MethodFilter, "end_reason", RememberedFilter, ImpersonatedFilter,
    )  # fmt: skip
    list_select_related = ("user",)
    search_fields = ("user",)  # shows the field; get_search_results() says what it finds
    search_help_text = gettext_lazy("The start of a username or e-mail address, or a session's id.")
    ordering = ("-last_activity_at", "-id")
    sortable_by = ()
    actions = ("end_selected",)
    empty_hint = gettext_lazy("Every sign-in begins a session.")
    change_form_template = "admin/users/usersession/change_form.html"
    fieldsets = (
        (None, {"fields": ("user", "is_open", "ended_at", "end_reason", "others")}),
        (
            gettext_lazy("Sign-in"),
            {
                "fields": (
                    "signed_in_at", "login_method", "factor", "verified_factor_at",
                    "is_remembered",
                )
            },
        ),
        (
            gettext_lazy("Where from"),
            {
                "fields": (
                    "client_ip", "place", "device", "device_type", "browser", "os", "user_agent",
                )
            },
        ),
        (
            gettext_lazy("Use"),
            {
                "fields": (
                    "created_at", "last_activity_at", "duration", "request_count",
                    "idle_expires_at", "expires_at",
                )
            },
        ),
        (gettext_lazy("Risk"), {"fields": ("risk_score", "rules", "is_suspicious")}),
        (
            gettext_lazy("Staff acting as the user"),
            {"fields": ("impersonator", "impersonation_reason", "is_read_only")},
        ),
        (gettext_lazy("Record"), {"fields": ("id", "updated_at")}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserSession]:
        rows = super().get_queryset(request).defer("session_data", "key_hash")
        match = request.resolver_match
        if match is not None and match.url_name == "users_usersession_change":
            return rows.select_related("user", "device", "impersonator")
        return rows

    def get_fieldsets(self, request: HttpRequest, obj: UserSession | None = None) -> Any:
        """Without the part about staff where nobody acted as the user."""
        parts = super().get_fieldsets(request, obj)
        if obj is None or obj.impersonation_reason:
            return parts
        return [part for part in parts if "impersonator" not in part[1]["fields"]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UserSession], search_term: str
    ) -> tuple[QuerySet[UserSession], bool]:
        """Find the users first: their sessions are then read by an index."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        with suppress(ValueError):
            return queryset.filter(pk=UUID(term)), False
        starts = Q(username__istartswith=term) | Q(email__istartswith=term)
        users = User.objects.filter(starts).order_by("-id").values_list("pk", flat=True)
        return queryset.filter(user__in=list(users[:MOST_USERS])), False

    # --- What is shown ----------------------------------------------------------------------

    @admin.display(description=gettext_lazy("session"))
    def short(self, session: UserSession) -> str:
        return short_id(session.pk)

    @admin.display(description=gettext_lazy("browser"))
    def agent(self, session: UserSession) -> str:
        return " on ".join(filter(None, [session.browser, session.os]))

    @admin.display(description=gettext_lazy("place"))
    def place(self, session: UserSession) -> str:
        return session.place

    @admin.display(description=gettext_lazy("open"), boolean=True)
    def is_open(self, session: UserSession) -> bool:
        return session.is_open

    @admin.display(description=gettext_lazy("second factor"))
    def factor(self, session: UserSession) -> str:
        kind = session.verified_factor.partition("/")[0]
        return str(FACTORS.get(kind, kind))

    @admin.display(description=gettext_lazy("duration"))
    def duration(self, session: UserSession) -> str:
        """From the sign-in to the end, or to the last request."""
        began = session.signed_in_at or session.created_at
        seconds = int(((session.ended_at or session.last_activity_at) - began).total_seconds())
        minutes, hours = max(0, seconds) // 60, max(0, seconds) // 3600
        if not hours:
            return ngettext("%d minute", "%d minutes", minutes) % minutes
        text = ngettext("%d hour", "%d hours", hours) % hours
        return f"{text} {ngettext('%d minute', '%d minutes', minutes % 60) % (minutes % 60)}"

    @admin.display(description=gettext_lazy("why"))
    def rules(self, session: UserSession) -> str:
        """The rules that fired, in words, and what each added to the score."""
        fired = [
            (capfirst(str(WORDS.get(rule["rule"], rule["rule"]))), rule["weight"])
            for rule in session.risk_rules
        ]
        return format_html_join(SafeString("<br>"), "{} (+{})", fired)

    @admin.display(description=gettext_lazy("see also"))
    def others(self, session: UserSession) -> str:
        """Lists beside it: without counts, which cost queries."""
        here = admin_url("users_usersession_changelist")
        activity = admin_url("users_sessionactivity_changelist")
        links = [
            (f"{here}?user__id__exact=", session.user_id, _("sessions of this user")),
            (f"{here}?device__id__exact=", session.device_id, _("sessions of this device")),
            (f"{activity}?session__id__exact=", session.pk, _("what was asked for in it")),
        ]
        shown = ((f"{start}{key}", words) for start, key, words in links if key)
        return format_html_join(" · ", '<a href="{}">{}</a>', shown)

    # --- Ending -----------------------------------------------------------------------------

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("users.change_usersession")

    def get_urls(self) -> list[URLPattern]:
        end = path(
            "<path:object_id>/end/",
            self.admin_site.admin_view(self.end_view),
            name="users_usersession_end",
        )
        return [end, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        session = kwargs.get("obj")
        if session is not None and session.ended_at is None and self.has_end_permission(request):
            context["end_url"] = reverse("admin:users_usersession_end", args=[session.pk])
        return super().render_change_form(request, context, *args, **kwargs)

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether to end one session; end it when that is confirmed."""
        if not self.has_end_permission(request):
            raise PermissionDenied
        session: UserSession | None = self.get_object(request, unquote(object_id))
        if session is None:
            return self.not_found(request, object_id)
        if request.method != "POST":
            return self._confirmation(request, [session], original=session)
        self._end(request, UserSession.objects.filter(pk=session.pk))
        return HttpResponseRedirect(self.page_of(quote(session.pk)))

    @admin.action(permissions=["end"], description=gettext_lazy("End selected sessions"))
    def end_selected(
        self, request: HttpRequest, queryset: QuerySet[UserSession]
    ) -> HttpResponse | None:
        rows = UserSession.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        if "confirmed" not in request.POST:
            sessions = list(rows.filter(ended_at=None).select_related("user"))
            if sessions:
                return self._confirmation(request, sessions, original=None)
            self.message_user(request, _("They have ended already."), messages.WARNING)
            return None
        self._end(request, rows)
        return None

    def _end(self, request: HttpRequest, rows: QuerySet[UserSession]) -> None:
        ended = revoke_sessions(rows, reason=EndReason.REVOKED_BY_STAFF)
        text = ngettext("%d session was ended.", "%d sessions were ended.", ended) % ended
        self.message_user(request, text, messages.SUCCESS if ended else messages.WARNING)

    def _confirmation(
        self, request: HttpRequest, sessions: list[UserSession], *, original: UserSession | None
    ) -> HttpResponse:
        own = getattr(request.session, "row_id", None)
        context = {
            **self.admin_site.each_context(request),
            "title": ngettext("End this session", "End these sessions", len(sessions)),
            "rows": [(session, self.agent(session), self.place(session)) for session in sessions],
            "own": own if any(session.pk == own for session in sessions) else None,
            "opts": self.opts,
            "original": original,
            "action": "end_selected",
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, CONFIRMATION, context)
