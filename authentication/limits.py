"""How often passwords and tokens may be guessed: ``ACCOUNT_RATE_LIMITS``, counted in the cache.

Everything is counted before a password is checked, so that of parallel tries no more than the
limit get as far as the hash. What strangers do is counted apart from what a known device of the
account does: they cannot lock it out. ``docs/developer/limits.md`` lists every limit.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from core.context import client_ip_of, current
from core.rates import (
    CountingError,
    Rate,
    Taken,
    digest,
    forget,
    increment,
    network_of,
    parse_rates,
    peek,
    reporting_outage,
    take,
)
from users.devices import known_device
from users.models import Device, User

logger = logging.getLogger(__name__)

# Wrong passwords in a row, both together 100 for an account (NIST SP 800-63B-4, 3.2.2).
MOST_BY_STRANGERS = 80
MOST_BY_KNOWN_DEVICES = 20
ROW_SECONDS = 90 * 24 * 3_600  # a row that nobody goes on with is forgotten


class LimitReachedError(Exception):
    """No more tries for now."""

    def __init__(self, taken: Taken) -> None:
        super().__init__("Too many tries.")
        self.wait = max(1.0, taken.wait)
        self.is_first = taken.is_first_over


class FloodError(LimitReachedError):
    """Too many of all kinds, right ones too: answered with 429."""


@dataclass(slots=True)
class Attempt:
    """One try at a password, which counts as a wrong one until it ``succeeded()``."""

    account: User | None  # the live account of that name, if there is one
    subject: str
    is_known: bool  # made in a device or a session of the account
    in_row: int = 0  # which wrong one in a row it is
    taken: list[Taken] = field(default_factory=list)

    @property
    def most_in_row(self) -> int:
        return MOST_BY_KNOWN_DEVICES if self.is_known else MOST_BY_STRANGERS

    @property
    def is_locked(self) -> bool:
        """Whether not even the right password is right: too many in a row were wrong."""
        return self.in_row > self.most_in_row

    @property
    def locks(self) -> bool:
        """Whether it is the last wrong one before that."""
        return self.in_row == self.most_in_row

    def give_back(self) -> None:
        for taken in self.taken:
            taken.give_back()

    def succeeded(self) -> None:
        """Take it back: it was no failure, and ends the row of wrong ones."""
        self.give_back()
        _end_row(self.subject)


def begin(request: HttpRequest, identifier: str) -> Attempt:
    """Count a try at the password of ``identifier``, whether there is such an account or not.

    Raise ``FloodError`` or ``LimitReachedError`` when it may not be made, ``CountingError``
    without the cache. Known and unknown accounts cost the same.
    """
    account = User.objects.alive().named(identifier).first()
    subject = f"user:{account.pk}" if account else f"name:{identifier.casefold()}"
    own = _own_key(request, account)
    is_known = bool(own) and _wrong_in_row(subject) < MOST_BY_KNOWN_DEVICES
    attempt = Attempt(account, subject, is_known)
    address = network_of(client_ip_of(request))
    if is_known:
        flood, failed = {"ip": own, "key": own}, "login_failed_known_device"
    else:
        # By the name that was typed: two names of one account would tell that it exists.
        flood = {"ip": address, "key": f"name:{identifier.casefold()}"}
        failed = "login_failed"
    for rate in _rates("sign_in"):
        if (taken := take(f"sign_in:{flood[rate.per]}", rate)).is_over:
            raise FloodError(taken)
    for rate in _rates(failed):
        if (taken := take(f"{failed}:{flood[rate.per]}", rate)).is_over:
            attempt.give_back()
            raise LimitReachedError(taken)
        attempt.taken.append(taken)
    attempt.in_row = _extend_row(attempt)
    return attempt


def forget_failures(user: User) -> int:
    """Lift what wrong passwords have brought on an account: it was reset, or staff unlock it.

    Answer how many in a row there were.
    """
    for name in (user.username, user.email):
        for rate in _rates("login_failed"):
            if rate.per == "key":
                forget(f"login_failed:name:{name.casefold()}", rate)
    for device in Device.objects.filter(user=user).values_list("pk", flat=True):
        for rate in _rates("login_failed_known_device"):
            forget(f"login_failed_known_device:device:{device}", rate)
    return _end_row(f"user:{user.pk}")


def _rates(action: str) -> tuple[Rate, ...]:
    return parse_rates(settings.ACCOUNT_RATE_LIMITS[action])


def _own_key(request: HttpRequest, account: User | None) -> str:
    """What only the account's own devices and sessions can show; nothing for strangers."""
    device = known_device(request, account)
    if device is not None:
        return f"device:{device.pk}"
    if account is not None and request.user.pk == account.pk:
        return f"session:{request.session.session_key}"
    return ""


# --- Wrong passwords in a row ---------------------------------------------------------------


def _row_key(subject: str, *, is_known: bool) -> str:
    return f"wrong-passwords:{'known' if is_known else 'strangers'}:{digest(subject)}"


def _wrong_in_row(subject: str) -> int:
    """How many known devices have made."""
    with reporting_outage():
        return int(cache.get(_row_key(subject, is_known=True), 0))


def _extend_row(attempt: Attempt) -> int:
    key = _row_key(attempt.subject, is_known=attempt.is_known)
    return increment(key, timeout=ROW_SECONDS)


def _end_row(subject: str) -> int:
    keys = [_row_key(subject, is_known=known) for known in (True, False)]
    with reporting_outage():
        wrong = sum(cache.get_many(keys).values())
        cache.delete_many(keys)
    return int(wrong)


# --- Tokens ---------------------------------------------------------------------------------


def check_token(*, is_right: bool, seen_from: str | None = None) -> None:
    """Raise ``FloodError`` when too many bad tokens have come from the caller's address.

    Then right ones are refused too, or guessing would go on; but not those that were used from
    this very address before (``seen_from``). Without the cache nothing is refused: a token has
    more than 160 random bits.
    """
    address = current().client_ip
    if is_right and address is not None and seen_from == address:
        return
    count = peek if is_right else take
    for rate in _rates("bad_token"):
        try:
            taken = count(f"bad_token:{network_of(address)}", rate)
        except CountingError:
            logger.error("The cache is away: bad tokens are not counted.")  # noqa: TRY400 (one line is enough)
            return
        if taken.is_over:
            if taken.is_first_over and not is_right:
                logger.warning("Too many bad tokens from %s.", network_of(address))
            raise FloodError(taken)
