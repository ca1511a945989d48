"""Who may act as whom, and what a session of somebody who does may ask for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from users.models import User
from users.services import can_manage

PERMISSION = "users.impersonate_user"
SHORTEST_REASON = 10

STOP = "account_stop_impersonation"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What is shown outside of /api/v1/. A page that is not named is refused: those that begin a change
# by being opened, such as setting up a second factor, and those that nobody has thought about.
READABLE = frozenset(
    {
        "home",
        "privacy",
        "api-docs",
        "schema",
        "health-live",
        "health-ready",
        "account_sessions",
        "account_devices",
        "account_tokens",
        "account_second_factors",
        "account_timeline",
        "account_logout",
        "headless:browser:account:current_session",
        "headless:browser:config",
    }
)
SIGN_OUTS = frozenset(
    {
        ("POST", "account_logout"),
        ("POST", "admin:logout"),
        ("DELETE", "headless:browser:account:current_session"),
    }
)
# Each signs in by itself, beside the session of the cookie.
OTHER_CREDENTIALS = ("Authorization", "X-Session-Token")


# --- Who, and as whom -----------------------------------------------------------------------


def refusal_of(actor: User, user: User) -> str:
    """Why ``actor`` may not act as ``user``, for people; empty when they may."""
    if not (actor.can_sign_in and actor.is_staff and actor.has_perm(PERMISSION)):
        return _("You may not act as other users.")
    if actor.pk == user.pk:
        return _("That is you.")
    if not user.can_sign_in:
        return _("This account cannot be signed in to.")
    if user.is_staff or user.is_superuser or user.has_perm(PERMISSION):
        return _("Nobody acts as somebody who runs the installation.")
    if not can_manage(actor, user):
        return _("This user has rights that you do not have.")
    return ""


def may_allow_changes(actor: User) -> bool:
    """Whether ``actor`` may act as somebody in a session that is not read-only."""
    return actor.is_superuser


# --- What may be asked for ------------------------------------------------------------------


def is_sign_out(request: HttpRequest) -> bool:
    return (request.method, _view_name(request)) in SIGN_OUTS


def is_allowed(request: HttpRequest, *, may_change: bool) -> bool:
    """Whether a session in which staff act as somebody may make this request.

    Reading: the API and the pages of ``READABLE``. Changing, where that was chosen: what lies
    under ``IMPERSONATION_WRITABLE``. Anything else is refused, whatever is added to the project.
    """
    if any(name in request.headers for name in OTHER_CREDENTIALS):
        return False
    view_name = _view_name(request)
    if view_name == STOP:
        return True
    if request.method in SAFE_METHODS:
        return view_name in READABLE or request.path.startswith("/api/v1/")
    return may_change and _is_below(request.path, settings.IMPERSONATION_WRITABLE)


def _is_below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def _view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
