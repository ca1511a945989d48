"""What a User-Agent header says about the device that sent it.

Browsers tell less than people think: each on a Mac says 10.15, each on Windows 11 says Windows
10, and Safari on an iPad says that it is a Mac unless somebody asks for the mobile page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ua_parser import Result, parse

from users.models import DeviceType

LONGEST = 512
LONGEST_NAME = 64  # as long as the columns
KEPT = 4096  # headers whose description is kept, which is 2 MB at most
BOT = re.compile(r"(?<!cu)bot(?![a-z])|spider|crawler|headless")  # Cubot makes telephones
TELEVISIONS = re.compile(
    r"smart-?tv|web0s|hbbtv|bravia|android tv|googletv|appletv|\baft[a-z0-9]+\b|crkey|roku"
)
CONSOLES = ("playstation", "nintendo", "xbox")
TABLETS = ("ipad", "tablet", "kindle", "sm-t", "sm-x")
DESKTOPS = (
    "windows", "mac os", "macos", "linux", "ubuntu", "fedora", "debian", "chrome os", "freebsd",
    "openbsd",
)  # fmt: skip
PHONES = ("ios", "android", "windows phone", "kaios")
# How a program begins that ua-parser does not know: TruLedgr/12.1
PRODUCT = re.compile(r"(?!Mozilla/)([A-Za-z][A-Za-z0-9._-]{1,40})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class UserAgent:
    """Browser and system with their versions, empty when unknown; at most 64 characters each."""

    device_type: DeviceType
    browser: str
    os: str

    def __str__(self) -> str:
        """Such as "Firefox 128 on Linux"; empty when nothing is known."""
        return " on ".join(filter(None, [self.browser, self.os]))


def describe(header: str) -> UserAgent:
    """Never raises: an unknown or mischievous header is a device of type other."""
    # Cut before it is kept, or long ones would fill the memory.
    return _describe(header[:LONGEST])


@lru_cache(maxsize=KEPT)
def _describe(header: str) -> UserAgent:
    header = header.encode(errors="replace").decode()  # without half characters
    result = parse(header)
    brand = (result.device.family if result.device else "") or ""
    browser, os = _browser(result, header), _os(result, brand)
    device_type = _device_type(header.lower(), brand, os.lower())
    return UserAgent(device_type, browser[:LONGEST_NAME], os[:LONGEST_NAME])


def _browser(result: Result, header: str) -> str:
    if header.startswith("Dalvik/"):  # an app on Android that does not say which
        return ""
    if result.user_agent:
        return " ".join(filter(None, [result.user_agent.family, result.user_agent.major]))
    product = PRODUCT.match(header)
    return " ".join(product.groups()) if product else ""


def _os(result: Result, brand: str) -> str:
    if result.os is None:
        return brand if brand.lower().startswith(CONSOLES) else ""
    if result.os.family == "Mac OS X":
        return "macOS"
    version = ".".join(filter(None, [result.os.major, result.os.minor]))
    return " ".join(filter(None, [result.os.family, version]))


def _device_type(header: str, brand: str, os: str) -> DeviceType:
    if BOT.search(header) or (brand == "Spider" and not header.startswith("python-")):
        return DeviceType.BOT
    if TELEVISIONS.search(header) or any(word in header for word in CONSOLES):
        return DeviceType.OTHER
    # Browsers leave "Mobile" out on a tablet; programs never say it.
    is_browser = header.startswith(("mozilla/", "opera/"))
    is_wide = is_browser and "android" in header and "mobile" not in header
    if is_wide or any(word in header for word in TABLETS):
        return DeviceType.TABLET
    if os.startswith(PHONES):
        return DeviceType.MOBILE
    if os.startswith(DESKTOPS):
        return DeviceType.DESKTOP
    return DeviceType.OTHER
