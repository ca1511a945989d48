"""Making and ending personal access tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from authentication.models import APIToken
from authentication.secrets import TOKEN_PREFIX, hash_api_token, new_api_token
from core import audit
from core.errors import DomainError
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
) -> tuple[APIToken, str]:
    """Make a token for ``user``; answer its row and the token itself, which is shown only now.

    Raise ``DomainError`` for an unknown scope or an expiry in the past.
    """
    known = Permission.objects.annotate(
        label=Concat("content_type__app_label", Value("."), "codename")
    )
    unknown = set(scopes) - set(known.filter(label__in=scopes).values_list("label", flat=True))
    if unknown:
        raise DomainError(f"No such permission: {', '.join(sorted(unknown))}.", field="scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The expiry lies in the past.", field="expires_at")
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


@transaction.atomic
def revoke_api_token(*, actor: User | None, token: APIToken) -> None:
    """End a token for good; a revoked one stays as it is."""
    tokens = APIToken.objects.filter(pk=token.pk, revoked_at=None)
    audit.update(tokens, action="revoke", revoked_at=timezone.now())
    token.refresh_from_db()


def note_use(token: APIToken, *, client_ip: str | None) -> None:
    """Remember the moment and address of a token's use, at most once a minute."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= USE_IS_NOTED_EVERY:
        APIToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_ip=client_ip)
