"""What each rule is called where people read it: "signed in … from *another country*"."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "new_device": _("a device that is new to the account"),
    "new_country": _("a country that is new to the account"),
    "impossible_travel": _("too far away for the time since the last use"),
    "failures_before_success": _("several wrong tries before"),
    "known_bad_agent": _("a program instead of a browser or app"),
    "token_from_other_network": _("another country than at the sign-in"),
    "odd_hour": _("an unusual hour"),
    "second_factor_just_removed": _("a second factor was removed just before"),
}


def in_words(rules: Iterable[str]) -> str:
    """Such as "a device that is new to the account; an unusual hour"."""
    return "; ".join(str(WORDS.get(rule, rule)) for rule in rules)
