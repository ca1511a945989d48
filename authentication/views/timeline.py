"""Where people read what has happened to their account."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.mixins import LoginRequiredMixin
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication.timeline import KINDS, entry_of, timeline_of, whose_words

PAGE_SIZE = 25
EVENT_ID = re.compile(r"[0-9]{1,18}")


@method_decorator(never_cache, name="dispatch")
class TimelineView(LoginRequiredMixin, TemplateView):
    """``?kind=`` shows one kind only, ``?before=`` the page after an event; else the newest."""

    template_name = "account/timeline.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        kind = self.request.GET.get("kind", "")
        kind = kind if kind in KINDS else ""
        events = timeline_of(user, kind=kind).order_by("-id")
        before = self.request.GET.get("before", "")
        is_first = not EVENT_ID.fullmatch(before)
        if not is_first:
            events = events.filter(pk__lt=int(before))
        rows = list(events[: PAGE_SIZE + 1])
        entries = [entry_of(event, user) for event in rows[:PAGE_SIZE]]
        older = ""
        if len(rows) > PAGE_SIZE:
            older = urlencode({"before": entries[-1].id} | ({"kind": kind} if kind else {}))
        return super().get_context_data(
            entries=[(entry, whose_words(entry.by)) for entry in entries],
            kinds=KINDS.items(),
            kind=kind,
            is_first=is_first,
            older=older,
            **kwargs,
        )
