"""How the list of sessions is narrowed down. No filter asks the table what it holds."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin_filters import TextFilter
from users.models import UserSessionQuerySet

METHODS = {
    "password": Q(login_method="password"),
    "passkey": Q(login_method="passkey"),
    "provider": Q(login_method__startswith="oauth:"),
    "code": Q(login_method="code"),
    "sign_up": Q(login_method="sign_up"),
    "impersonation": Q(login_method="impersonation"),
}


class ChoiceFilter(admin.SimpleListFilter):
    """Narrows down by what ``narrowed()`` makes of a choice; ignores a choice that is none."""

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        value = self.value()
        known = {str(choice) for choice, _title in self.lookup_choices}
        return self.narrowed(queryset, str(value)) if value in known else queryset

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        raise NotImplementedError


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Open")), ("no", _("Ended or expired"))]

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        return sessions.active() if value == "yes" else sessions.over()


class RiskFilter(ChoiceFilter):
    """Bands between the scores from which something follows."""

    title = gettext_lazy("risk")
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        ask, end = settings.RISK_ASK_SCORE, settings.RISK_END_SCORE
        return [
            ("none", _("None")),
            ("some", _("Some: below %d") % ask),
            ("high", _("High: %(from)d to %(to)d, asked again") % {"from": ask, "to": end - 1}),
            ("highest", _("Highest: %d and more, ended") % end),
        ]

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        ask, end = settings.RISK_ASK_SCORE, settings.RISK_END_SCORE
        bands = {
            "none": Q(risk_score=0),
            "some": Q(risk_score__gt=0, risk_score__lt=ask),
            "high": Q(risk_score__gte=ask, risk_score__lt=end),
            "highest": Q(risk_score__gte=end),
        }
        return sessions.filter(bands[value])


class MethodFilter(ChoiceFilter):
    title = gettext_lazy("how it was signed in")
    parameter_name = "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        titles = {
            "password": _("Password"),
            "passkey": _("Passkey"),
            "provider": _("Another provider"),
            "code": _("Mailed code"),
            "sign_up": _("Right after signing up"),
            "impersonation": _("By staff, as the user"),
        }
        return list(titles.items())

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        return sessions.filter(METHODS[value])


class RememberedFilter(ChoiceFilter):
    title = gettext_lazy("how long it lasts")
    parameter_name = "remembered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("As usual")), ("yes", _("Longer: “remember me”"))]

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        return sessions.filter(is_remembered=value == "yes")


class ImpersonatedFilter(ChoiceFilter):
    title = gettext_lazy("who sat before it")
    parameter_name = "impersonated"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("The user")), ("yes", _("Staff, as the user"))]

    def narrowed(self, sessions: UserSessionQuerySet, value: str) -> QuerySet[Any]:
        return sessions.filter(impersonator__isnull=value == "no")


class CountryFilter(TextFilter):
    title = gettext_lazy("country")
    parameter_name = "country"
    lookup = "country"
    hint = gettext_lazy("Two letters, such as PT")

    def cleaned(self, term: str) -> str:
        return term.upper()


class BrowserFilter(TextFilter):
    title = gettext_lazy("browser")
    parameter_name = "browser"
    lookup = "browser__istartswith"
    hint = gettext_lazy("Such as Firefox")


class SystemFilter(TextFilter):
    title = gettext_lazy("system")
    parameter_name = "os"
    lookup = "os__istartswith"
    hint = gettext_lazy("Such as Windows")
