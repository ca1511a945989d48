"""What a User-Agent header says about the device that sent it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ua_parser import parse

from users.models import DeviceType

LONGEST = 512
TABLETS = ("ipad", "tablet", "kindle", "sm-t", "sm-x")
DESKTOPS = ("windows", "mac os", "linux", "ubuntu", "fedora", "debian", "chrome os")
PHONES = ("ios", "android", "windows phone", "kaios")


@dataclass(frozen=True, slots=True)
class UserAgent:
    """Browser and system with their versions, empty when unknown; at most 64 characters each."""

    device_type: DeviceType
    browser: str
    os: str


@lru_cache(maxsize=4096)
def describe(header: str) -> UserAgent:
    """Never raises: an unknown or mischievous header is a device of type other."""
    result = parse(header[:LONGEST])
    browser = os = ""
    if result.user_agent:
        browser = " ".join(filter(None, [result.user_agent.family, result.user_agent.major]))
    if result.os:
        version = ".".join(filter(None, [result.os.major, result.os.minor]))
        os = " ".join(filter(None, [result.os.family, version]))
    brand = (result.device.family if result.device else "") or ""
    return UserAgent(_device_type(header.lower(), brand, os.lower()), browser[:64], os[:64])


def _device_type(header: str, brand: str, os: str) -> DeviceType:
    if brand == "Spider" or "bot" in header:
        return DeviceType.BOT
    if any(word in header for word in TABLETS) or ("android" in header and "mobile" not in header):
        return DeviceType.TABLET
    if os.startswith(PHONES):
        return DeviceType.MOBILE
    if os.startswith(DESKTOPS):
        return DeviceType.DESKTOP
    return DeviceType.OTHER
