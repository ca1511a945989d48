"""What a User-Agent header tells: of real ones, in agents.tsv, and of nonsense.

A reader's expectations: each browser on a Mac says 10.15, each on Windows 11 says 10; televisions,
consoles and programs are other devices.
"""

import csv
from pathlib import Path

import pytest

from users import user_agents
from users.models import DeviceType
from users.user_agents import KEPT, LONGEST, describe

with Path(__file__).with_name("agents.tsv").open(encoding="utf-8", newline="") as file:
    REAL = list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("real", REAL, ids=lambda real: real["header"][-40:])
def test_a_header_names_device_browser_and_system(real):
    agent = describe(real["header"])

    assert (agent.device_type, agent.browser, agent.os) == (
        real["device"], real["browser"], real["system"]
    )  # fmt: skip


def test_the_real_ones_are_fifty_at_least_and_of_every_kind():
    assert len({real["header"] for real in REAL}) == len(REAL) >= 50
    assert {real["device"] for real in REAL} == set(DeviceType)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "x" * 10_240,
        "\x00\x1b[31m",
        "Mozilla/5.0 (" * 800,
        "🦄" * 600,
        "Android " * 1_280,
        "A/" + "9" * 10_000,
        "%s%n${jndi:ldap://x}",
        "\ud800",
    ],
)
def test_garbage_and_ten_kilobytes_do_no_harm(header):
    agent = describe(header)

    assert len(agent.browser) <= 64
    assert len(agent.os) <= 64
    assert agent.device_type in DeviceType


def test_what_is_kept_is_cut_and_counted_so_that_no_header_fills_the_memory():
    user_agents._describe.cache_clear()

    for number in range(3):
        describe("x" * LONGEST + str(number) * 10_000)

    assert user_agents._describe.cache_info().currsize == 1
    assert user_agents._describe.cache_info().maxsize == KEPT
    # The longest headers there can be, at four bytes a character and as much again for the rest.
    assert KEPT * LONGEST * 4 * 2 < 20_000_000
