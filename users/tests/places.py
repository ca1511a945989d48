"""A place database in MaxMind's format, of addresses that are reserved for documentation.

The cities and their coordinates are real, so that distances are.
"""

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from users.places import Place

LISBON = Place("PT", "Lisbon", 38.7167, -9.1333)
PORTO = Place("PT", "Porto", 41.1496, -8.6110)
MADRID = Place("ES", "Madrid", 40.4165, -3.7026)
SINGAPORE = Place("SG", "Singapore", 1.2897, 103.8501)
BERLIN = Place("DE", "Berlin", 52.5244, 13.4105)
NETWORKS = {
    "192.0.2.0/25": LISBON,
    "192.0.2.128/25": PORTO,
    "198.51.100.0/25": MADRID,
    "198.51.100.128/25": BERLIN,
    "203.0.113.0/25": SINGAPORE,
    "2001:db8:1::/48": LISBON,
    "2001:db8:2::/48": SINGAPORE,
}
IN_LISBON, IN_PORTO, IN_MADRID = "192.0.2.10", "192.0.2.200", "198.51.100.10"
IN_BERLIN, IN_SINGAPORE, NOWHERE_KNOWN = "198.51.100.200", "203.0.113.10", "203.0.113.250"
ALSO_IN_LISBON = "2001:db8:1:5::9"  # another network


def record_of(place):
    """As a GeoLite2-City file has it."""
    return {
        "country": {"iso_code": place.country, "names": {"en": "somewhere"}},
        "city": {"names": {"en": place.city, "de": "woanders"}},
        "location": {
            "latitude": place.latitude,
            "longitude": place.longitude,
            "accuracy_radius": 50,
        },
    }


def write_places(path, records=None):
    """Write the file; ``records`` are of each network, by default those of ``NETWORKS``."""
    if records is None:
        records = {network: record_of(place) for network, place in NETWORKS.items()}
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type="Test-City",
        float_type="f64",
    )
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path
