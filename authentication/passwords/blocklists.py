"""The lists that a password is looked up in, opened when first asked for.

Two are shipped, made by ``manage.py build_shipped_passwords``; a third, the whole of Have I Been
Pwned, is at ``BREACHED_PASSWORDS_FILE`` where that is set.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from django.conf import settings

from authentication.passwords.hash_lists import HashList, digest_of

DATA = Path(__file__).resolve().parent.parent / "data"
COMMON = DATA / "common_passwords.bin"
BREACHED = DATA / "breached_passwords.bin"

SHORTEST_LISTED = 12
LONGEST_TRIMMING = 4
ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def folded(password: str) -> str:
    """What the shipped lists hold of a password: NFKC without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold())


def is_common(password: str) -> bool:
    """Is it, whatever its case and with at most four characters around it, a common one?"""
    return _is_listed(open_list(COMMON), password)


def is_breached(password: str) -> bool:
    """Is it in the shipped list as above, or in the configured one as it is or folded?

    Raise ``HashListError`` when the configured file is missing or damaged.
    """
    if _is_listed(open_list(BREACHED), password):
        return True
    full = configured_list()
    if full is None:
        return False
    forms = {password, unicodedata.normalize("NFKC", password), folded(password)}
    return any(digest_of(form) in full for form in forms)


def configured_list() -> HashList | None:
    """The file of ``BREACHED_PASSWORDS_FILE``; ``None`` when none is named."""
    name = getattr(settings, "BREACHED_PASSWORDS_FILE", "")
    return open_list(Path(name)) if name else None


@cache
def open_list(path: Path) -> HashList:
    """Open once in a process: a file that is replaced is seen after a restart."""
    return HashList(path)


def _is_listed(hashes: HashList, password: str) -> bool:
    whole = folded(password)
    trimmed = ENDS.sub("", whole)
    forms = {whole}
    if len(trimmed) >= SHORTEST_LISTED and len(whole) - len(trimmed) <= LONGEST_TRIMMING:
        forms.add(trimmed)
    return any(digest_of(form) in hashes for form in forms)
