"""Making and ending personal access tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from difflib import get_close_matches

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from authentication.models import APIToken
from authentication.secrets import TOKEN_PREFIX, hash_api_token, new_api_token
from core import audit
from core.errors import DomainError, NoSuchError
from core.json_values import flaw_of_text
from users.models import User

SHOWN = len(TOKEN_PREFIX) + 4
USE_IS_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_api_token(
    *,
    actor: User | None,
    user: User,
    name: str,
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
    through: APIToken | None = None,
) -> tuple[APIToken, str]:
    """Make a token for ``user``; answer its row and the token itself, which is shown only now.

    ``through`` is the token that the request came with, if any: what it makes has its scopes and
    expiry at most, and by default. Raise ``DomainError`` for an unknown or wider scope, an expiry
    in the past or too late, or a user who cannot sign in; ``ValidationError`` for a bad name.
    """
    if not user.is_active or user.is_deleted:
        raise DomainError(f"{user} cannot sign in, so no token would work.", field="user")
    if through is not None:
        scopes = scopes or through.scopes
        expires_at = expires_at or through.expires_at
        _refuse_wider(through, scopes, expires_at)
    refuse_unknown_scopes(scopes)
    refuse_past(expires_at)
    if flaw := flaw_of_text(name):
        raise DomainError(flaw, field="name")
    secret = new_api_token()
    token = APIToken(
        user=user,
        name=name,
        prefix=secret[:SHOWN],
        token_hash=hash_api_token(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    token.full_clean()
    audit.save(token, actor=actor)
    return token, secret


def _refuse_wider(through: APIToken, scopes: Collection[str], expires_at: datetime | None) -> None:
    if through.scopes and not set(scopes) <= set(through.scopes):
        raise DomainError("Wider than the scopes of the token in use.", field="scopes")
    if through.expires_at and expires_at and expires_at > through.expires_at:
        raise DomainError("Later than the expiry of the token in use.", field="expires_at")


def refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The expiry lies in the past.", field="expires_at")


def refuse_unknown_scopes(scopes: Collection[str]) -> None:
    """Raise ``DomainError`` for the first scope that is no permission, with the nearest ones."""
    if not scopes:
        return
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    for scope in sorted(set(scopes) - known):
        close = get_close_matches(scope, known, n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise NoSuchError(f"There is no permission {scope}.{hint}", field="scopes")


@transaction.atomic
def revoke_api_token(*, actor: User | None, token: APIToken) -> None:
    """End a token for good; a revoked one stays as it is."""
    tokens = APIToken.objects.filter(pk=token.pk, revoked_at=None)
    audit.update(tokens, action="revoke", actor=actor, revoked_at=timezone.now())
    token.refresh_from_db()


def note_use(token: APIToken, *, client_ip: str | None) -> None:
    """Remember the moment and address of a token's use, at most once a minute."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= USE_IS_NOTED_EVERY:
        APIToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_ip=client_ip)
