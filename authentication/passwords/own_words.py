"""The words that a password of this user on this site is likely to be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings

from authentication.passwords.guessing import plain

SHORTEST = 3
ATTRIBUTES = ("username", "first_name", "last_name")
SEPARATORS = re.compile(r"[\W_]+")
SITE_WORDS = ("truledgr",)


def own_words(user: object | None) -> frozenset[str]:
    """``PASSWORD_CONTEXT_WORDS``, the user's names and e-mail address, their parts, and backwards.

    Words are ``plain()`` and have at least three characters. ``user`` may be unsaved, or ``None``.
    """
    words = {
        part
        for phrase in _phrases(user)
        for part in (phrase, SEPARATORS.sub("", phrase), *SEPARATORS.split(phrase))
    }
    words |= {word[::-1] for word in words}
    return frozenset(word for word in words if len(word) >= SHORTEST)


def _phrases(user: object | None) -> Iterator[str]:
    yield from map(plain, getattr(settings, "PASSWORD_CONTEXT_WORDS", SITE_WORDS))
    values = [plain(getattr(user, name, "") or "") for name in ATTRIBUTES]
    yield from values
    yield " ".join(values[1:])
    email = plain(getattr(user, "email", "") or "")
    local, _at, domain = email.rpartition("@")
    yield from (email, local, domain)
