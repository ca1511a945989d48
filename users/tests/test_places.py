"""Looking addresses up in a place database, and doing without one."""

import logging
import os
from math import pi

import pytest

from users.places import (
    EARTH_RADIUS_KM,
    NOWHERE,
    Place,
    check_place_database,
    distance_km,
    is_same_network,
    place_of,
)
from users.tests.places import (
    ALSO_IN_LISBON,
    IN_BERLIN,
    IN_LISBON,
    IN_MADRID,
    IN_PORTO,
    IN_SINGAPORE,
    LISBON,
    MADRID,
    NOWHERE_KNOWN,
    PORTO,
    SINGAPORE,
    record_of,
    write_places,
)


@pytest.fixture
def path(tmp_path, settings):
    settings.GEOIP_DATABASE = str(tmp_path / "places.mmdb")
    return tmp_path / "places.mmdb"


@pytest.mark.parametrize(
    ("ip", "country", "city"),
    [
        (IN_LISBON, "PT", "Lisbon"),
        (IN_PORTO, "PT", "Porto"),
        (IN_MADRID, "ES", "Madrid"),
        (IN_BERLIN, "DE", "Berlin"),
        (IN_SINGAPORE, "SG", "Singapore"),
        (ALSO_IN_LISBON, "PT", "Lisbon"),
        (f"::ffff:{IN_MADRID}", "ES", "Madrid"),
    ],
)
def test_an_address_is_in_a_city_with_its_coordinates(path, ip, country, city):
    write_places(path)

    place = place_of(ip)

    assert (place.country, place.city) == (country, city)
    assert place.latitude is not None
    assert place.longitude is not None


@pytest.mark.parametrize(
    "ip",
    [
        None, "", "garbage", "127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "fe80::1%eth0",
        "224.0.0.1", NOWHERE_KNOWN, "999.1.1.1", "1" * 10_000, "\x00", "192.0.2.10/24",
    ],
)  # fmt: skip
def test_an_address_that_is_private_unknown_or_none_at_all_is_nowhere(path, ip):
    write_places(path)

    assert place_of(ip) == NOWHERE


def test_without_the_setting_every_address_is_nowhere(settings):
    settings.GEOIP_DATABASE = ""

    assert place_of(IN_LISBON) == NOWHERE


@pytest.mark.parametrize("flaw", ["missing", "a folder", "empty", "text", "cut short"])
def test_asvs_16_5_3_a_missing_or_broken_place_database_is_one_line_in_the_log(path, caplog, flaw):
    if flaw == "a folder":
        path.mkdir()
    elif flaw == "cut short":
        write_places(path)
        path.write_bytes(path.read_bytes()[:-80])
    elif flaw != "missing":
        path.write_text("" if flaw == "empty" else "no such thing")

    with caplog.at_level(logging.WARNING, logger="users.places"):
        found = {place_of(IN_LISBON) for _ in range(5)}

    assert found == {NOWHERE}
    assert len(caplog.records) == 1
    assert "Places are unknown" in caplog.text


def test_asvs_16_5_2_a_database_that_breaks_while_it_is_read_makes_places_unknown(path):
    """The tree is whole and leads into nonsense."""
    write_places(path)
    content = bytearray(path.read_bytes())
    data = content.index(b"iso_code") - 30
    content[data : data + 60] = b"\xff" * 60
    path.write_bytes(content)

    assert place_of(IN_LISBON) == NOWHERE


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"country": "PT"},
        {"country": {"iso_code": 7}, "city": {"names": ["Lisbon"]}, "location": "here"},
        {"country": {"iso_code": "PRT"}, "location": {"latitude": 91.0, "longitude": 0.0}},
        {"location": {"latitude": "38", "longitude": True}},
        {"location": {"latitude": 38.7}},
    ],
)
def test_a_record_of_another_shape_tells_nothing(path, record):
    write_places(path, {"192.0.2.0/24": record})

    assert place_of(IN_LISBON) == NOWHERE


def test_a_country_alone_is_a_place_and_long_names_fit_their_columns(path):
    write_places(
        path,
        {
            "192.0.2.0/25": {"country": {"iso_code": "pt"}},
            "192.0.2.128/25": record_of(Place("PT", "x" * 300, 1.0, 2.0)),
        },
    )

    assert place_of(IN_LISBON) == Place("PT")
    assert len(place_of(IN_PORTO).city) == 100


def test_the_file_is_opened_once_and_again_when_another_takes_its_place(path, monkeypatch):
    opened = []
    real = __import__("maxminddb").open_database
    monkeypatch.setattr(
        "users.places.maxminddb.open_database", lambda name: opened.append(name) or real(name)
    )
    write_places(path)
    for _ in range(5):
        assert place_of(IN_LISBON).city == "Lisbon"
    assert len(opened) == 1

    newer = write_places(path.with_suffix(".new"), {"192.0.2.0/24": record_of(SINGAPORE)})
    newer.replace(path)

    assert place_of(IN_LISBON).city == "Singapore"
    assert len(opened) == 2


def test_a_file_that_comes_later_is_found_and_one_that_goes_is_missed(path):
    assert place_of(IN_LISBON) == NOWHERE

    write_places(path)
    assert place_of(IN_LISBON).city == "Lisbon"

    path.unlink()
    assert place_of(IN_LISBON) == NOWHERE


def test_a_forked_process_opens_the_file_for_itself(path, monkeypatch):
    opened = []
    real = __import__("maxminddb").open_database
    monkeypatch.setattr(
        "users.places.maxminddb.open_database", lambda name: opened.append(name) or real(name)
    )
    write_places(path)
    place_of(IN_LISBON)

    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert place_of(IN_LISBON).city == "Lisbon"
    assert len(opened) == 2


# --- Distances and networks -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        (LISBON, LISBON, 0),
        (LISBON, PORTO, 274),
        (LISBON, MADRID, 503),
        (LISBON, SINGAPORE, 11_890),
        (Place("", "", 0.0, 179.5), Place("", "", 0.0, -179.5), 111),
        (Place("", "", 90.0, 0.0), Place("", "", -90.0, 0.0), EARTH_RADIUS_KM * pi),
    ],
)
def test_a_distance_is_that_of_the_great_circle(a, b, km):
    assert distance_km(a, b) == pytest.approx(km, rel=0.01, abs=1)
    assert distance_km(b, a) == pytest.approx(distance_km(a, b))


def test_without_coordinates_there_is_no_distance():
    assert distance_km(LISBON, Place("SG", "Singapore")) is None
    assert distance_km(NOWHERE, LISBON) is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8:1:5::1", "2001:db8:1:6::1", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("192.0.2.1", "2001:db8::1", False),
        (None, None, False),
        ("", "192.0.2.1", False),
        ("garbage", "garbage", False),
    ],
)
def test_a_network_is_a_24_or_a_48(a, b, same):
    assert is_same_network(a, b) is same
    assert is_same_network(b, a) is same


# --- The system check -----------------------------------------------------------------------


def test_asvs_16_5_3_the_check_warns_of_a_file_that_cannot_be_read(path):
    (problem,) = check_place_database()
    assert problem.id == "users.W001"
    assert str(path) in problem.msg

    path.write_text("no such thing")
    assert [each.id for each in check_place_database()] == ["users.W001"]

    write_places(path)
    assert check_place_database() == []


def test_without_the_setting_there_is_nothing_to_check(settings):
    settings.GEOIP_DATABASE = ""

    assert check_place_database() == []
