"""How the audit trail is narrowed down in the admin: each filter bounded, none of them a scan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_filters import TextFilter, others_of
from core.trail_reading import from_network, keys_of_people, since, until

# The usual verbs; asking the table which ones it holds would read all of it. Another one can be
# typed into the address.
ACTIONS = (
    "create", "update", "delete", "restore", "hard_delete", "revoke", "verify", "sign_in",
    "sign_in_failed", "access_denied", "not_found_or_hidden", "join", "leave", "add", "remove",
    "ban", "transfer", "invite", "accept", "move", "revert", "withdraw", "export",
    "export_audit_trail", "impersonation_started", "impersonation_ended", "purge", "seal",
)  # fmt: skip


class ActionFilter(admin.SimpleListFilter):
    title = gettext_lazy("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action.replace("_", " ")) for action in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ModelFilter(admin.SimpleListFilter):
    title = gettext_lazy("kind of object")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        models = [model for model in apps.get_models() if audit.spec_of(model)]
        names = [(m._meta.label_lower, str(m._meta.verbose_name)) for m in models]
        return sorted(names, key=lambda pair: pair[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        app, _dot, model = str(self.value()).partition(".")
        return queryset.filter(app=app, model=model)


class PeriodFilter(admin.ListFilter):
    """From a moment, until a moment, in UTC; a date alone begins at midnight."""

    title = gettext_lazy("period")
    template = "admin/audit_period_filter.html"
    names = ("from", "until")

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.request = request
        for name in self.names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1].strip()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[Any]:
        now = timezone.now()
        spans = (
            (timedelta(hours=1), _("Last hour")),
            (timedelta(days=1), _("Last day")),
            (timedelta(days=7), _("Last 7 days")),
            (timedelta(days=30), _("Last 30 days")),
        )
        yield {
            "selected": not any(self.used_parameters.values()),
            "query_string": changelist.get_query_string(remove=list(self.names)),
            "bounds": [
                (name, label, self.used_parameters.get(name, ""))
                for name, label in zip(self.names, (_("From"), _("Until")), strict=True)
            ],
            "others": others_of(self.request, *self.names),
            "spans": [
                (
                    label,
                    changelist.get_query_string(
                        {"from": f"{now - span:%Y-%m-%dT%H:%M}"}, remove=["until"]
                    ),
                )
                for span, label in spans
            ],
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for name, narrow in zip(self.names, (since, until), strict=True):
            if text := self.used_parameters.get(name):
                queryset = narrow(queryset, _moment(str(text)))
        return queryset


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise IncorrectLookupParameters(error) from error


class ActorFilter(TextFilter):
    """Whoever did it, or was acted as."""

    title = gettext_lazy("actor")
    parameter_name = "actor"
    hint = gettext_lazy("Username or id")
    longest = 254

    def narrowed(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return by_person(rows, term)


class KeyFilter(TextFilter):
    hint = gettext_lazy("Its id")

    def narrowed(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        try:
            return rows.filter(**{self.lookup: UUID(term)})
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


class GroupFilter(KeyFilter):
    title = gettext_lazy("group")
    parameter_name = lookup = "group_id"


class SessionFilter(KeyFilter):
    title = gettext_lazy("session")
    parameter_name = lookup = "session_id"


class RequestFilter(TextFilter):
    title = gettext_lazy("request")
    parameter_name = lookup = "request_id"
    hint = gettext_lazy("Its X-Request-ID")


class AddressFilter(TextFilter):
    title = gettext_lazy("address")
    parameter_name = "client_ip"
    hint = gettext_lazy("192.0.2.1 or 192.0.2.0/24")

    def narrowed(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        try:
            network = ip_network(term, strict=False)
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        if network.num_addresses == 1:
            return rows.filter(client_ip=str(network.network_address))
        return from_network(rows, network)


def by_person(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    keys = keys_of_people(term)
    return rows.filter(actor__in=keys) | rows.filter(on_behalf_of__in=keys)
