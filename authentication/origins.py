"""Where a session belongs, as the session itself remembers it."""

from __future__ import annotations

from dataclasses import astuple

from django.contrib.sessions.backends.base import SessionBase

from users.risk import Origin
from users.risk.gathering import present_origin

ORIGIN = "used_from"  # in the session: address, country, browser and system
COUNTRIES = "used_in"  # in the session: the countries where nobody has to prove anything
PROOF_NEEDED = "proof_needed"  # in the session: its user has to prove again who they are
MOST_COUNTRIES = 20


def origin_of(session: SessionBase) -> Origin | None:
    """Where it was signed in from, or was last seen to be; ``None`` if nobody has signed in."""
    stored = session.get(ORIGIN)
    return Origin(*stored) if stored else None


def countries_of(session: SessionBase) -> frozenset[str]:
    """Where it was signed in from, and where its user has proven since who they are."""
    return frozenset(session.get(COUNTRIES, ()))


def note_origin(session: SessionBase, origin: Origin, *, is_known: bool = False) -> None:
    """The session is at ``origin`` now; ``is_known``: and is at home there."""
    session[ORIGIN] = astuple(origin)
    if is_known and origin.country:
        others = [country for country in session.get(COUNTRIES, ()) if country != origin.country]
        session[COUNTRIES] = [origin.country, *others][:MOST_COUNTRIES]


def accept_origin(session: SessionBase) -> None:
    """Its user has just proven who they are, where the present request comes from."""
    note_origin(session, present_origin(), is_known=True)
    session.pop(PROOF_NEEDED, None)
