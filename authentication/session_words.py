"""Sessions as people read them, on the pages and in the API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from users.models import EndReason, UserSession
from users.risk.wording import in_words

FACTORS = {"totpdevice": "app", "backupcodedevice": "backup_codes", "webauthncredential": "passkey"}
FACTOR_WORDS = {
    "app": gettext_lazy("authenticator app"),
    "backup_codes": gettext_lazy("backup code"),
    "passkey": gettext_lazy("passkey"),
}
METHOD_WORDS = {
    "password": gettext_lazy("password"),
    "sign_up": gettext_lazy("sign-up"),
    "admin": gettext_lazy("password"),
}


def factor_of(session: UserSession) -> str:
    """``app``, ``passkey`` or ``backup_codes``; empty where no second factor is verified."""
    model = session.verified_factor.partition("/")[0].rpartition(".")[2]
    return FACTORS.get(model, model)


def method_in_words(method: str) -> str:
    """``oauth:google`` is "Google", as the sign-in page calls it."""
    kind, _colon, provider = method.partition(":")
    if kind != "oauth":
        return str(METHOD_WORDS.get(method, method))
    apps = [app for entry in settings.SOCIALACCOUNT_PROVIDERS.values() for app in entry["APPS"]]
    names = {app.get("provider_id") or app["provider"]: app["name"] for app in apps}
    return str(names.get(provider, provider.capitalize()))


def way_in(session: UserSession) -> str:
    """Such as "password and authenticator app"; empty when unknown."""
    method, factor = method_in_words(session.login_method), factor_of(session)
    if not method or not factor:
        return method
    words = {"method": method, "factor": FACTOR_WORDS.get(factor, factor)}
    return _("%(method)s and %(factor)s") % words


def end_of(session: UserSession) -> str:
    """Why it ended; one that nobody has swept up yet is expired all the same."""
    if session.end_reason or session.is_open:
        return session.end_reason
    return EndReason.EXPIRED.value


def seconds_used(session: UserSession) -> int:
    """From the sign-in to the last use."""
    duration = session.duration
    return max(0, int(duration.total_seconds())) if duration else 0


def risk_in_words(fired: list[dict[str, Any]]) -> str:
    return in_words(entry["rule"] for entry in fired)
