"""The rules of risk: each a small pure function of ``Facts``.

A rule answers ``True`` when it fires, ``False`` when not, and ``None`` when what it needs is not
known. Its name is its key in ``RISK_WEIGHTS``; docs/developer/risk.md says what each is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from users.models import DeviceType
from users.places import distance_km, is_same_network
from users.risk.facts import Facts
from users.user_agents import describe

Rule = Callable[[Facts], bool | None]

FASTEST_KM_H = 1_000  # an airliner does 900
IGNORED_KM = 200  # how far off a city's coordinates, or the city itself, may be
MANY_FAILURES = 5
FEWEST_SIGN_INS = 20  # before the hours of somebody are a habit
AROUND_HOURS = 1  # either side of an hour that counts as the same
JUST_NOW = timedelta(hours=24)
# Attack tools, and programs without a person in front of them. Stacks that apps are made with
# (okhttp, CFNetwork, Dart) are not among them.
BAD_AGENTS = re.compile(
    r"sqlmap|nikto|nmap|masscan|zgrab|nuclei|wpscan|gobuster|dirbuster|feroxbuster|wfuzz|ffuf|hydra"
    r"|acunetix|nessus|openvas|w3af|arachni|zaproxy|burp ?suite|metasploit|openbullet|silverbullet"
    r"|headlesschrome|phantomjs|slimerjs|selenium|webdriver|puppeteer|playwright"
    r"|^curl/|^wget/|libwww-perl|python-requests|python-urllib|python-httpx|aiohttp|^scrapy"
    r"|^go-http-client|^mechanize",
    re.IGNORECASE,
)


def new_device(facts: Facts) -> bool | None:
    """A browser or app that the account has not signed in with: a stolen password starts so."""
    return not facts.is_known_device if facts.has_history else None


def new_country(facts: Facts) -> bool | None:
    """A country that the account has not signed in from lately: most people rarely leave theirs."""
    if not facts.place.country or not facts.countries:
        return None
    return facts.place.country not in facts.countries


def impossible_travel(facts: Facts) -> bool | None:
    """Farther from where it was last seen than anybody flies in the time between: two people, or
    a VPN.

    Needs the coordinates of both. The first ``IGNORED_KM`` are ignored, as addresses are located
    to a city at best.
    """
    if facts.last_seen is None:
        return None
    distance = distance_km(facts.last_seen.place, facts.place)
    if distance is None:
        return None
    hours = max(0.0, (facts.at - facts.last_seen.at).total_seconds() / 3_600)
    return distance - IGNORED_KM > FASTEST_KM_H * hours


def failures_before_success(facts: Facts) -> bool | None:
    """``MANY_FAILURES`` tries or more failed since the last sign-in: somebody may have guessed."""
    return facts.failures >= MANY_FAILURES


def known_bad_agent(facts: Facts) -> bool | None:
    """A bot, an attack tool or a bare program (``BAD_AGENTS``): no person signs in with those."""
    if not facts.user_agent:
        return None
    is_bot = describe(facts.user_agent).device_type == DeviceType.BOT
    return is_bot or BAD_AGENTS.search(facts.user_agent) is not None


def token_from_other_network(facts: Facts) -> bool | None:
    """A session used from elsewhere than it was signed in from: its key may have been copied.

    Both the network and the country differ; where one country is unknown, the network and the
    browser or system. Phones change networks all day long, and a country where the same device
    has signed in before (a VPN, a commute over a border) is no news.
    """
    origin, now = facts.signed_in_from, facts.used_from
    if origin is None or now is None:
        return None
    if is_same_network(origin.ip, now.ip):
        return False
    if origin.country and now.country:
        return now.country not in {origin.country, *facts.device_countries}
    return origin.agent != now.agent


def odd_hour(facts: Facts) -> bool | None:
    """An hour of the day at which this person has never signed in, nor in the hours beside it.

    Needs ``FEWEST_SIGN_INS`` earlier ones: before, there is no habit.
    """
    if sum(facts.hours) < FEWEST_SIGN_INS:
        return None
    around = range(facts.at.hour - AROUND_HOURS, facts.at.hour + AROUND_HOURS + 1)
    return not any(facts.hours[hour % 24] for hour in around)


def second_factor_just_removed(facts: Facts) -> bool | None:
    """A second factor was removed less than ``JUST_NOW`` ago: the first thing that a thief does."""
    if facts.factor_removed_at is None:
        return False
    return facts.at - facts.factor_removed_at < JUST_NOW


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        new_device,
        new_country,
        impossible_travel,
        failures_before_success,
        known_bad_agent,
        token_from_other_network,
        odd_hour,
        second_factor_just_removed,
    )
}
