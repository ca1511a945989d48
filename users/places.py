"""Where an address is: looked up offline, in a file of MaxMind's format.

``GEOIP_DATABASE`` names the file. Without one, with a broken one, and for addresses that it does
not know, the place is unknown: nothing here ever fails, because nobody is to be kept out by it.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import asin, cos, isfinite, radians, sin, sqrt
from pathlib import Path
from threading import Lock
from typing import Any

import maxminddb
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

logger = logging.getLogger(__name__)

EARTH_RADIUS_KM = 6_371.0
IPV4_PREFIX, IPV6_PREFIX = 24, 48  # what one site or provider's router is given, more or less
COUNTRY_LENGTH, CITY_LENGTH = 2, 100  # as long as the columns of a session
HIGHEST_LATITUDE, HIGHEST_LONGITUDE = 90, 180
# What the reader and the file system raise for a file that is absent, cut short or something else.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, maxminddb.InvalidDatabaseError)


@dataclass(frozen=True, slots=True)
class Place:
    """A city or less; what is unknown is empty. Coordinates are of the city, in degrees."""

    country: str = ""  # ISO 3166-1, two letters
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None


NOWHERE = Place()


def place_of(ip: str | None) -> Place:
    """Where ``ip`` is; never raises, and costs some microseconds once the file is open.

    A private address is nowhere, unless the file itself knows it.
    """
    address, path = _parsed(ip), settings.GEOIP_DATABASE
    if address is None or not path:
        return NOWHERE
    return _database.place_of(str(address), str(path))


def distance_km(a: Place, b: Place) -> float | None:
    """The great circle between two places; ``None`` unless the coordinates of both are known."""
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return None
    north_a, north_b = radians(a.latitude), radians(b.latitude)
    half_north = (north_b - north_a) / 2
    half_east = radians(b.longitude - a.longitude) / 2
    haversine = sin(half_north) ** 2 + cos(north_a) * cos(north_b) * sin(half_east) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(haversine)))


def is_same_network(a: str | None, b: str | None) -> bool:
    """Whether two addresses are in one /24 (IPv4) or /48 (IPv6); an unknown one is in none."""
    first, second = _parsed(a), _parsed(b)
    if first is None or second is None or first.version != second.version:
        return False
    prefix = IPV4_PREFIX if first.version == 4 else IPV6_PREFIX  # noqa: PLR2004
    return second in ip_network((first, prefix), strict=False)


def check_place_database(**_options: Any) -> list[CheckMessage]:
    """Warning ``users.W001`` when ``GEOIP_DATABASE`` names a file that cannot be read."""
    path = settings.GEOIP_DATABASE
    if not path:
        return []
    try:
        maxminddb.open_database(str(path)).close()
    except UNREADABLE as error:
        text = f"GEOIP_DATABASE: {path} cannot be read: {error}"
        hint = "Places are unknown until it can. Name a city file in MaxMind's format, or unset it."
        return [CheckWarning(text, hint=hint, id="users.W001")]
    return []


def _parsed(ip: str | None) -> IPv4Address | IPv6Address | None:
    """An IPv4 address is always one, however it is spelt."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class _Database:
    """The file, opened once a process, and again when another has taken its place."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._reader: maxminddb.Reader | None = None
        self._opened: tuple[object, ...] | None = None  # what was opened, or could not be

    def place_of(self, address: str, path: str) -> Place:
        reader = self._current(path)
        if reader is None:
            return NOWHERE
        try:
            return _place_in(reader.get(address))
        except UNREADABLE:
            logger.warning("The place database %s does not answer; the place is unknown.", path)
            return NOWHERE

    def _current(self, path: str) -> maxminddb.Reader | None:
        found = _identity_of(path)
        if found == self._opened:
            return self._reader
        with self._lock:
            if found != self._opened:
                # The reader before is not closed: another thread may be reading in it.
                self._reader = _open(path)
                self._opened = found
            return self._reader


def _identity_of(path: str) -> tuple[object, ...]:
    """Changes with the file, and with the process: each maps it for itself after a fork."""
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return (os.getpid(), path)
    return (os.getpid(), path, state.st_ino, state.st_size, state.st_mtime_ns)


def _open(path: str) -> maxminddb.Reader | None:
    """The file, mapped into memory; ``None`` and one line in the log when it cannot be read."""
    try:
        return maxminddb.open_database(path)
    except UNREADABLE as error:
        logger.warning("Places are unknown: %s cannot be read (%s).", path, type(error).__name__)
        return None


def _place_in(record: Any) -> Place:
    """What a record says of country and city; anything of another shape is left out."""
    country = _text(_inside(record, "country", "iso_code"))
    latitude = _degrees(_inside(record, "location", "latitude"), HIGHEST_LATITUDE)
    longitude = _degrees(_inside(record, "location", "longitude"), HIGHEST_LONGITUDE)
    if latitude is None or longitude is None:
        latitude = longitude = None
    return Place(
        country=country.upper() if len(country) == COUNTRY_LENGTH else "",
        city=_text(_inside(record, "city", "names", "en"))[:CITY_LENGTH],
        latitude=latitude,
        longitude=longitude,
    )


def _inside(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _text(value: Any) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""


def _degrees(value: Any, highest: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and abs(value) <= highest else None


_database = _Database()
