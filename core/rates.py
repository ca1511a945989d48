"""How often something may happen: counters in the shared cache, exact under parallel calls.

A rate is written as allauth writes it: ``5/5m/key`` is five in five minutes for each key,
``10/m/ip`` ten in a minute for each address.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
RATE = re.compile(r"(?P<amount>\d+)/(?P<count>\d*)(?P<unit>[smhd])(?:/(?P<per>ip|user|key))?")
IPV6_PREFIX = 64  # what one customer gets, so that nobody has more than one budget


class CountingError(Exception):
    """The shared cache cannot be reached, so that nothing can be counted."""


@contextmanager
def reporting_outage() -> Iterator[None]:
    """Raise ``CountingError`` for whatever the cache's connection raises."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise CountingError("The cache that counts tries cannot be reached.") from error


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``amount`` in any ``seconds``; ``per`` says what each of its counters is for."""

    amount: int
    seconds: int
    per: str = "ip"


def parse_rates(text: str | None) -> tuple[Rate, ...]:
    """The rates of a setting, separated by commas; none for an empty one."""
    rates = []
    for part in filter(None, map(str.strip, (text or "").split(","))):
        match = RATE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no rate. Write it as in 5/10m/key or 30/m/ip.")
        seconds = int(match["count"] or 1) * UNITS[match["unit"]]
        rates.append(Rate(int(match["amount"]), seconds, match["per"] or "ip"))
    return tuple(rates)


@dataclass(frozen=True, slots=True)
class Taken:
    """One use of a rate that has been counted."""

    key: str
    number: int  # of this use in its window
    room: int  # how many uses the window has room for, after those of the window before
    wait: float  # seconds until there is room, 0 where there is some
    left: float  # seconds until its window is over
    is_first_over: bool = False  # the first refusal in its window: worth one line in a trail

    @property
    def is_over(self) -> bool:
        return self.number > self.room

    def give_back(self) -> None:
        """Undo the use: what it stands for did not happen after all."""
        with reporting_outage():
            client = _redis()
            if client is not None:
                client.decr(cache.make_and_validate_key(self.key))
                return
            try:
                cache.decr(self.key)
            except ValueError:  # its window is long over
                return


def take(name: str, rate: Rate) -> Taken:
    """Count one use of ``rate`` under ``name``; one too many is answered, and not counted.

    The number comes from one atomic increment, so that of parallel uses no more than the amount
    are let through at once. A use weighs in full during its window of ``rate.seconds``, and less
    and less in the next one. Raise ``CountingError`` when the cache cannot be reached.
    """
    timeout = 2 * rate.seconds + 60
    taken = _used(name, rate, lambda *keys: _increment(*keys, timeout=timeout))
    if not taken.is_over:
        return taken
    # Or those who never stop would never be let in again.
    taken.give_back()
    with reporting_outage():
        return replace(taken, is_first_over=cache.add(f"{taken.key}:over", 1, timeout=timeout))


def peek(name: str, rate: Rate) -> Taken:
    """What ``take()`` would answer, without counting. Raise ``CountingError`` as it does."""
    return _used(name, rate, lambda key, other: (cache.get(key, 0) + 1, cache.get(other, 0)))


def forget(name: str, rate: Rate) -> None:
    """Give back everything that has been taken of ``rate`` under ``name``."""
    window = int(time.time() // rate.seconds)
    with reporting_outage():
        cache.delete_many([f"{_stem(name, rate)}:{number}" for number in (window - 1, window)])


def _stem(name: str, rate: Rate) -> str:
    return f"rate:{digest(name)}:{rate.amount}/{rate.seconds}"


def _used(name: str, rate: Rate, numbers: Callable[[str, str], tuple[int, int]]) -> Taken:
    window, into = divmod(time.time(), rate.seconds)
    # The window's number is part of the key: no counter lives on when its time to live is lost.
    stem = _stem(name, rate)
    key = f"{stem}:{int(window)}"
    with reporting_outage():
        number, before = numbers(key, f"{stem}:{int(window) - 1}")
        before = min(before, rate.amount)
    room = rate.amount - math.floor(before * (1 - into / rate.seconds))
    wait = _wait(rate, number=number, before=before, into=into) if number > room else 0.0
    return Taken(key, number, room, wait, rate.seconds - into)


def increment(key: str, *, timeout: int) -> int:
    """Add one to a counter of the cache, atomically, and answer its new value.

    It is forgotten ``timeout`` seconds after the last time. Raise ``CountingError`` when the
    cache cannot be reached.
    """
    with reporting_outage():
        return _increment(key, key, timeout=timeout)[0]


def _increment(key: str, other: str, *, timeout: int) -> tuple[int, int]:
    """Add one to ``key``; answer its new value, and that of ``other``."""
    client = _redis()
    if client is not None:
        with client.pipeline() as pipe:  # one round trip, and nothing in between
            pipe.incr(cache.make_and_validate_key(key))
            pipe.expire(cache.make_and_validate_key(key), timeout)
            pipe.get(cache.make_and_validate_key(other))
            number, _set, before = pipe.execute()
        return int(number), int(before or 0)
    while True:
        try:
            number = int(cache.incr(key))
        except ValueError:  # there is none yet, or not any more
            cache.add(key, 0, timeout=timeout)
        else:
            cache.touch(key, timeout)
            return number, int(cache.get(other, 0))


def _redis() -> Any:
    """Redis itself, where it is the cache: Django asks it twice for each increment.

    Between the two a counter could expire, and the new one would never.
    """
    backend = caches[DEFAULT_CACHE_ALIAS]
    if not isinstance(backend, RedisCache):
        return None
    return backend._cache.get_client(None, write=True)  # noqa: SLF001 (there is no other way)


def _wait(rate: Rate, *, number: int, before: int, into: float) -> float:
    """Seconds until one more use fits in, if nothing else is counted meanwhile."""
    if number > rate.amount:
        return rate.seconds - into
    fading = 1 - (rate.amount - number + 1) / before
    return max(1.0, fading * rate.seconds - into)


def digest(name: str) -> str:
    """The cache sees no name, address or key in clear, and no character that it refuses."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def network_of(address: str | None) -> str:
    """What one caller counts as: an IPv4 address, or the /64 network of an IPv6 address."""
    if not address:
        return "unknown"
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, IPV6_PREFIX), strict=False).network_address)
    return str(parsed)
