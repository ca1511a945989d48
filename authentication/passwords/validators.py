"""The validators of ``AUTH_PASSWORD_VALIDATORS``: what is refused, with a code that stays.

The rules are those of OWASP ASVS 5.0, V6.2, and NIST SP 800-63B-4, 3.1.1.2. There are no
composition rules, and a password never expires.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from authentication.passwords.blocklists import is_breached, is_common
from authentication.passwords.guessing import guess_bits
from authentication.passwords.own_words import own_words
from authentication.second_factors import second_factors_of
from core.json_values import flaw_of_text
from users.hashers import normalised
from users.models import User

SHORTEST, SHORTEST_WITH_SECOND_FACTOR, LONGEST = 15, 12, 1_024
# What 2 ** 36 guesses find is refused: about two common words and a few characters more.
ENOUGH_BITS = 36.0


def has_second_factor(user: object | None) -> bool:
    """Has the saved ``user`` a confirmed one? Nobody, or somebody not saved yet, has none."""
    if not isinstance(user, User) or user._state.adding:
        return False
    return bool(second_factors_of(user))


class LengthValidator:
    """Refuses what is too short, too long or no text (ASVS 6.2.1, 6.2.9).

    Code points count, as sent and after NFKC: whichever are fewer. ``shortest`` is for accounts
    with nothing but a password. ``longest`` bounds what all other checks may cost.
    """

    def __init__(
        self,
        shortest: int = SHORTEST,
        shortest_with_second_factor: int = SHORTEST_WITH_SECOND_FACTOR,
        longest: int = LONGEST,
    ) -> None:
        self.shortest = shortest
        self.shortest_with_second_factor = shortest_with_second_factor
        self.longest = longest

    def validate(self, password: str, user: object | None = None) -> None:
        if len(password) > self.longest:
            raise ValidationError(
                _("This password is too long. It may have %(longest)d characters at most."),
                code="password_too_long",
                params={"longest": self.longest},
            )
        if flaw_of_text(password):
            raise ValidationError(
                _("This password holds something that is no character and cannot be typed."),
                code="password_not_text",
            )
        length = min(len(password), len(normalised(password)))
        if length >= self.shortest:
            return
        shortest = self.shortest
        if has_second_factor(user):
            shortest = self.shortest_with_second_factor
        if length < shortest:
            raise ValidationError(
                _("This password is too short. It must have %(shortest)d characters or more."),
                code="password_too_short",
                params={"shortest": shortest},
            )

    def get_help_text(self) -> str:
        return _(
            "Your password must have %(shortest)d characters or more, or %(fewer)d with a second "
            "factor. Any characters will do, spaces too: several words are easy to remember."
        ) % {"shortest": self.shortest, "fewer": self.shortest_with_second_factor}


class CommonPasswordValidator:
    """Refuses common passwords and what is as easily guessed (ASVS 6.2.4)."""

    def validate(self, password: str, user: object | None = None) -> None:
        if len(password) > LONGEST:
            return
        if is_common(password):
            raise ValidationError(
                _("This password is one of those that most people choose."),
                code="password_too_common",
                params={"reason": "listed"},
            )
        # What is shorter is refused for that, and would be called predictable for nothing else.
        if len(password) < SHORTEST_WITH_SECOND_FACTOR:
            return
        if guess_bits(password, enough=ENOUGH_BITS) < ENOUGH_BITS:
            raise ValidationError(
                _(
                    "This password is easily guessed: it is made of common words, sequences or "
                    "repetitions, with little else."
                ),
                code="password_too_common",
                params={"reason": "predictable"},
            )

    def get_help_text(self) -> str:
        return _("Your password can't be a common one, a sequence or a repetition.")


class BreachedPasswordValidator:
    """Refuses passwords that became known in a data breach (ASVS 6.2.12).

    Raise ``HashListError`` when the configured list is missing or damaged: no password is
    accepted unchecked.
    """

    def validate(self, password: str, user: object | None = None) -> None:
        if len(password) <= LONGEST and is_breached(password):
            raise ValidationError(
                _(
                    "This password became known in a data breach, at some site and for somebody. "
                    "Attackers try it first."
                ),
                code="password_breached",
                params={"reason": "listed"},
            )

    def get_help_text(self) -> str:
        return _("Your password can't be one that became known in a data breach.")


class OwnWordsValidator:
    """Refuses what is mostly the user's own data or the site's name (ASVS 6.1.2, 6.2.11).

    A pass phrase that merely contains such a word is accepted.
    """

    def validate(self, password: str, user: object | None = None) -> None:
        if len(password) > LONGEST:
            return
        words = own_words(user)
        bits = guess_bits(password, own_words=words, enough=ENOUGH_BITS)
        if bits < ENOUGH_BITS and bits < guess_bits(password, enough=ENOUGH_BITS):
            raise ValidationError(
                _(
                    "This password is mostly made of your name, your e-mail address or the name "
                    "of this site."
                ),
                code="password_too_similar",
                params={"reason": "own_words"},
            )

    def get_help_text(self) -> str:
        return _(
            "Your password can't be mostly your name, your e-mail address or the name of this site."
        )
