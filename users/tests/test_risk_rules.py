"""Each rule of risk: what fires it, what does not, and when it cannot tell; and the score."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from users.places import NOWHERE, Place
from users.risk import Assessment, Facts, Origin, Sighting, assess
from users.risk.checks import check_risk_weights
from users.risk.rules import RULES
from users.risk.wording import WORDS, in_words
from users.tests.places import (
    ALSO_IN_LISBON,
    BERLIN,
    IN_LISBON,
    IN_MADRID,
    IN_PORTO,
    LISBON,
    MADRID,
    PORTO,
    SINGAPORE,
)

NOON = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OFFICE_HOURS = tuple(4 if 8 <= hour <= 17 else 0 for hour in range(24))
AT_HOME = Origin(IN_LISBON, "PT", "Firefox on Linux")


def facts(**known):
    return Facts(**{"at": NOON, **known})


def seen(place, *, ago):
    return Sighting(NOON - ago, place)


def used(origin=AT_HOME, ip=IN_LISBON, country="PT", agent=AT_HOME.agent, **known):
    return facts(signed_in_from=origin, used_from=Origin(ip, country, agent), **known)


CASES = {
    "new_device": {
        True: [facts(has_history=True)],
        False: [facts(has_history=True, is_known_device=True)],
        None: [facts(), facts(is_known_device=True)],
    },
    "new_country": {
        True: [facts(place=SINGAPORE, countries=frozenset({"PT", "ES"}))],
        False: [
            facts(place=LISBON, countries=frozenset({"PT"})),
            facts(place=Place("PT"), countries=frozenset({"PT", "ES"})),
        ],
        None: [facts(place=SINGAPORE), facts(countries=frozenset({"PT"})), facts()],
    },
    "impossible_travel": {
        True: [
            facts(place=SINGAPORE, last_seen=seen(LISBON, ago=HOUR)),
            facts(place=SINGAPORE, last_seen=seen(LISBON, ago=11 * HOUR)),
            facts(place=MADRID, last_seen=seen(LISBON, ago=timedelta(minutes=10))),
            facts(place=BERLIN, last_seen=seen(LISBON, ago=timedelta(0))),
            # Of two clocks one is behind.
            facts(place=SINGAPORE, last_seen=seen(LISBON, ago=-HOUR)),
        ],
        False: [
            facts(place=SINGAPORE, last_seen=seen(LISBON, ago=14 * HOUR)),
            facts(place=MADRID, last_seen=seen(LISBON, ago=HOUR)),
            facts(place=LISBON, last_seen=seen(LISBON, ago=timedelta(0))),
            # As near as two guesses at where one address is.
            facts(place=PORTO, last_seen=seen(Place("PT", "", 39.5, -8.6), ago=timedelta(0))),
        ],
        None: [
            facts(place=SINGAPORE),
            facts(place=Place("SG", "Singapore"), last_seen=seen(LISBON, ago=HOUR)),
            facts(place=SINGAPORE, last_seen=seen(Place("PT", "Lisbon"), ago=HOUR)),
            facts(place=NOWHERE, last_seen=seen(LISBON, ago=HOUR)),
        ],
    },
    "failures_before_success": {
        True: [facts(failures=5), facts(failures=1_000)],
        False: [facts(), facts(failures=4)],
    },
    "known_bad_agent": {
        True: [
            facts(user_agent=agent)
            for agent in (
                "sqlmap/1.8#stable (https://sqlmap.org)",
                "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0.0.0 Safari/537.36",
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "python-requests/2.32.3",
                "curl/8.5.0",
                "Go-http-client/1.1",
                "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)",
            )
        ],
        False: [
            facts(user_agent=agent)
            for agent in (
                FIREFOX,
                "okhttp/4.12.0",
                "TruLedgr/12 CFNetwork/1496.0.7 Darwin/23.5.0",
                "Dart/3.4 (dart:io)",
                "Mozilla/5.0 (Linux; Android 12; Cubot X50) Chrome/120.0.0.0 Mobile Safari/537.36",
                "x" * 10_000,
            )
        ],
        None: [facts()],
    },
    "token_from_other_network": {
        True: [
            used(ip=IN_MADRID, country="ES"),
            # No database: another network and another browser.
            used(Origin(IN_LISBON, "", "Firefox on Linux"), IN_MADRID, "", "curl"),
            used(ip=IN_MADRID, country="", agent="curl"),
        ],
        False: [
            used(),
            used(ip="192.0.2.99"),
            # A phone goes from one network to another, a flat from IPv4 to IPv6.
            used(ip=IN_PORTO.replace("192.0.2", "192.0.99")),
            used(ip=ALSO_IN_LISBON),
            used(ip=ALSO_IN_LISBON, agent="Chrome on Windows"),
            used(Origin(IN_LISBON, "", AT_HOME.agent), IN_MADRID, ""),
            # The VPN that is switched on each morning.
            used(ip=IN_MADRID, country="ES", device_countries=frozenset({"ES"})),
        ],
        None: [facts(), facts(signed_in_from=AT_HOME), facts(used_from=AT_HOME)],
    },
    "odd_hour": {
        True: [
            facts(at=NOON.replace(hour=3), hours=OFFICE_HOURS),
            facts(at=NOON.replace(hour=19), hours=OFFICE_HOURS),
            facts(at=NOON.replace(hour=0), hours=(0,) * 12 + (20,) + (0,) * 11),
        ],
        False: [
            facts(at=NOON, hours=OFFICE_HOURS),
            facts(at=NOON.replace(hour=7), hours=OFFICE_HOURS),
            facts(at=NOON.replace(hour=18), hours=OFFICE_HOURS),
            facts(at=NOON.replace(hour=0), hours=(0,) * 23 + (20,)),
            facts(at=NOON.replace(hour=23), hours=(20,) + (0,) * 23),
        ],
        None: [facts(at=NOON, hours=(19,) + (0,) * 23), facts()],
    },
    "second_factor_just_removed": {
        True: [
            facts(factor_removed_at=NOON),
            facts(factor_removed_at=NOON - 23 * HOUR),
        ],
        False: [facts(), facts(factor_removed_at=NOON - 25 * HOUR)],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected", "known"),
    [
        (rule, expected, known)
        for rule, cases in CASES.items()
        for expected, each in cases.items()
        for known in each
    ],
)
def test_a_rule_fires_on_what_it_is_named_after_and_on_nothing_else(rule, expected, known):
    assert RULES[rule](known) is expected


def test_the_document_lists_exactly_the_rules_and_weights_of_the_settings(settings):
    document = Path(settings.BASE_DIR, "docs/developer/risk.md").read_text(encoding="utf-8")
    table = document.partition("## The rules")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.MULTILINE)

    assert {rule: int(weight) for rule, weight in rows} == settings.RISK_WEIGHTS
    assert f"`RISK_ASK_SCORE` | {settings.RISK_ASK_SCORE} |" in document
    assert f"`RISK_END_SCORE` | {settings.RISK_END_SCORE} |" in document


def test_every_rule_is_tested_both_ways_has_words_and_a_weight(settings):
    assert set(CASES) == set(RULES) == set(WORDS) == set(settings.RISK_WEIGHTS)
    assert all(cases[True] and cases[False] for cases in CASES.values())
    assert all(rule.__doc__ for rule in RULES.values())


# --- The score ------------------------------------------------------------------------------


def test_the_score_is_the_sum_of_the_rules_that_fired_heaviest_first(settings):
    settings.RISK_WEIGHTS = {"new_device": 20, "failures_before_success": 25, "odd_hour": 10}

    found = assess(facts(has_history=True, failures=5, hours=OFFICE_HOURS))

    assert found == Assessment(45, (("failures_before_success", 25), ("new_device", 20)))
    assert found.rules == [
        {"rule": "failures_before_success", "weight": 25},
        {"rule": "new_device", "weight": 20},
    ]


def test_a_weight_of_nought_or_none_at_all_switches_a_rule_off(settings):
    settings.RISK_WEIGHTS = {"new_device": 0}

    assert assess(facts(has_history=True, failures=5)) == Assessment()


def test_nothing_known_is_no_risk():
    assert assess(facts()) == Assessment(0, ())


@pytest.mark.parametrize(
    ("score", "asks", "ends"), [(0, False, False), (49, False, False), (50, True, False),
    (89, True, False), (90, True, True), (100, True, True)],
)  # fmt: skip
def test_the_thresholds_are_those_of_the_settings(settings, score, asks, ends):
    settings.RISK_ASK_SCORE, settings.RISK_END_SCORE = 50, 90

    found = Assessment(score)

    assert (found.asks, found.ends, found.columns["is_suspicious"]) == (asks, ends, asks)


def anything(dice):
    """Facts drawn from all that the cases above know, in any combination."""
    drawn = facts()
    for cases in CASES.values():
        known = dice.choice([one for each in cases.values() for one in each])
        changed = {
            name: getattr(known, name)
            for name in Facts.__dataclass_fields__
            if getattr(known, name) != getattr(facts(), name)
        }
        drawn = replace(drawn, **changed)
    return drawn


@pytest.mark.parametrize("seed", range(200))
def test_the_score_is_bounded_and_never_falls_when_a_weight_or_a_rule_is_added(seed, settings):
    dice = random.Random(seed)
    known = anything(dice)
    weights = {rule: dice.randint(0, 60) for rule in RULES if dice.random() < 0.8}
    settings.RISK_WEIGHTS = weights
    before = assess(known)

    raised = dice.choice(list(RULES))
    settings.RISK_WEIGHTS = {**weights, raised: weights.get(raised, 0) + dice.randint(0, 60)}
    after = assess(known)

    assert 0 <= before.score <= after.score <= 100
    assert before.score == min(100, sum(weight for _rule, weight in before.fired))
    assert {rule for rule, _weight in before.fired} <= {rule for rule, _weight in after.fired}


@pytest.mark.parametrize("garbage", ["\x00", "🦄" * 10_000, "(" * 5_000, "\ud800", "%s%n"])
def test_a_mischievous_agent_breaks_no_rule(garbage):
    assert assess(facts(user_agent=garbage)).score == 0


def test_what_fired_is_said_in_words():
    text = in_words(["new_device", "odd_hour", "one_of_an_older_release"])

    assert text == ("a device that is new to the account; an unusual hour; one_of_an_older_release")


# --- The system check -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "problems"),
    [
        ({}, []),
        ({"new_device": 0, "odd_hour": 100}, []),
        ({"new_devise": 20}, ["users.E001"]),
        ({"new_device": -1}, ["users.E002"]),
        ({"new_device": 101}, ["users.E002"]),
        ({"new_device": "20"}, ["users.E002"]),
        ({"new_device": True}, ["users.E002"]),
        ({"new_device": 2.5, "x": 1}, ["users.E002", "users.E001"]),
    ],
)
def test_a_weight_that_means_nothing_stops_the_start(weights, problems, settings):
    settings.RISK_WEIGHTS = weights

    assert [each.id for each in check_risk_weights()] == problems
    assert all(each.is_serious() for each in check_risk_weights())
