"""Each security requirement has a test that carries its id, and those that have no other home.

The ids are of OWASP ASVS 5.0.0, chapters V6 (signing in), V7 (sessions), V8 (access; level 3, too)
and V16 (logging and errors), levels 1 and 2, and of NIST SP 800-63B-4.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from users.models import UserSession
from users.tests.factories import UserFactory

ASVS = [
    "6.1.1", "6.1.2", "6.1.3", "6.2.1", "6.2.2", "6.2.3", "6.2.4", "6.2.5", "6.2.8", "6.2.9",
    "6.2.10", "6.2.11", "6.2.12", "6.3.1", "6.3.2", "6.3.3", "6.3.4", "6.4.1", "6.4.2", "6.4.3",
    "6.4.4", "6.5.1", "6.5.2", "6.5.3", "6.5.4", "6.5.5", "6.6.2", "6.6.3", "6.8.1", "6.8.2",
    "6.8.4",
    "7.1.1", "7.1.2", "7.1.3", "7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.3.1", "7.3.2", "7.4.1",
    "7.4.2", "7.4.3", "7.4.5", "7.5.1", "7.5.2", "7.5.3", "7.6.1", "7.6.2",
    "8.1.1", "8.1.2", "8.1.3", "8.1.4", "8.2.1", "8.2.2", "8.2.3", "8.2.4", "8.3.1", "8.3.2",
    "8.3.3", "8.4.1", "8.4.2",
    "16.1.1", "16.2.1", "16.2.2", "16.2.4", "16.2.5", "16.3.1", "16.3.2", "16.3.3", "16.3.4",
    "16.4.1", "16.4.2", "16.5.1", "16.5.2", "16.5.3", "16.5.4",
]  # fmt: skip
NIST = [
    "3.1.1.2", "3.1.2.2", "3.1.4.2", "3.2.2", "2.2.2", "2.2.3", "4.1", "4.1.2.1", "4.2.1.1",
    "4.2.1.2", "4.2.2.2", "4.6", "5.1", "5.1.1", "5.2", "5.3",
]  # fmt: skip


@pytest.fixture(scope="module")
def names():
    """The names of all tests, each with an end that no longer number runs over."""
    found = []
    for app in ("core", "users", "authentication", "authorization", "groups", "items", "truledgr"):
        for module in Path(settings.BASE_DIR, app).rglob("test_*.py"):
            found += re.findall(r"^def (test_\w+)\(", module.read_text(), re.MULTILINE)
    return found


@pytest.mark.parametrize(
    ("standard", "row"), [("asvs", row) for row in ASVS] + [("nist", row) for row in NIST]
)
def test_a_requirement_has_a_test_of_its_name(names, standard, row):
    number = rf"(?<!\d)(?<!\d_){row.replace('.', '_')}(?!_?\d)"

    assert [name for name in names if standard in name and re.search(number, name)]


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["expires_at", "idle_expires_at"])
def test_nist_2_2_3_a_session_ends_within_a_day_and_within_an_idle_hour(client, limit):
    client.force_login(UserFactory())
    [session] = UserSession.objects.all()
    longest = {"expires_at": timedelta(hours=24), "idle_expires_at": timedelta(hours=1)}[limit]
    assert getattr(session, limit) <= timezone.now() + longest
    assert client.get("/api/v1/me").status_code == 200

    UserSession.objects.update(**{limit: timezone.now()})

    assert client.get("/api/v1/me").status_code == 401


def test_nist_5_3_what_is_monitored_is_disclosed_to_everybody(client):
    page = client.get("/privacy/").content.decode()

    assert "when, from which address, with which browser" in page
    assert "1\xa0hour without use" in page
    assert "after 1\xa0day in any case" in page
