"""Where people see what they are signed in with, and end what they do not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication import step_up
from authentication.services import sessions
from authentication.session_words import end_of, risk_in_words, way_in
from authentication.views.changes import ChangeView
from users.models import EndReason, UserSession

MOST_SHOWN, MOST_ENDED = 100, 10
UNREAD = ("session_data", "key_hash", "user_agent")


@dataclass(frozen=True, slots=True)
class Row:
    """A session, and what the page says of it."""

    session: UserSession
    way_in: str
    place: str
    risk: str
    end: str


def shown(session: UserSession) -> Row:
    return Row(
        session=session,
        way_in=way_in(session),
        place=session.place,
        risk=risk_in_words(session.risk_rules),
        end=str(dict(EndReason.choices).get(end_of(session), "")),
    )


@method_decorator(never_cache, name="dispatch")
class SessionsView(LoginRequiredMixin, TemplateView):
    """The newest hundred, this one first, and the ten that ended last.

    Two queries beside those that sign the request in.
    """

    template_name = "account/sessions.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        session: Any = self.request.session
        user: Any = self.request.user
        own = sessions.sessions_of(user).defer(*UNREAD)
        rows = list(own.active().order_by("-last_activity_at", "-id")[:MOST_SHOWN])
        ended = own.exclude(ended_at=None).order_by("-last_activity_at", "-id")[:MOST_ENDED]
        return super().get_context_data(
            sessions=[shown(row) for row in sorted(rows, key=lambda one: one.pk != session.row_id)],
            ended=[shown(row) for row in ended],
            this=session.row_id,
            can_change=step_up.is_recent(self.request),
            **kwargs,
        )


class EndSessionView(ChangeView):
    """Ends one of the caller's sessions, not this one: that is signing out."""

    page = "account_sessions"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        session: Any = request.session
        user: Any = request.user
        if not sessions.sessions_of(user).filter(pk=kwargs["pk"]).exists():
            raise Http404
        sessions.end_session(user=user, session=kwargs["pk"], this=session.row_id)
        messages.success(request, _("The session is ended."))


class EndOtherSessionsView(ChangeView):
    page = "account_sessions"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        session: Any = request.session
        user: Any = request.user
        ended = sessions.end_other_sessions(user=user, keep=session.row_id)
        text = ngettext("%d session is ended.", "%d sessions are ended.", ended)
        messages.success(request, text % ended)
