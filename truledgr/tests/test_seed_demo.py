from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.utils import timezone

from core.ids import uuid7
from core.models import AuditEvent
from items.models import Item
from truledgr.demo import seeding
from truledgr.demo.plan import Plan
from truledgr.demo.population import Population
from truledgr.tests.demo_seeds import SMALL, in_development, seed
from users.models import EndReason, User, UserSession
from users.tests.factories import UserFactory

_development = pytest.fixture(in_development, autouse=True)
pytestmark = pytest.mark.django_db


def counts():
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


def plan(**values):
    return Plan(**{"seed": 1, "users": 12, "items": 30, "anchor": timezone.now(), **values})


# --- The sign-in ----------------------------------------------------------------------------


def printed(output):
    """Username, password and codes as the last lines say them."""
    username, password = re.findall(r"^(?:Username|Password): (\S+)$", output, re.MULTILINE)
    codes = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", output.partition("Code:")[2])
    return username, password, codes


@pytest.mark.parametrize("which", [0, 9])
def test_the_last_lines_are_a_sign_in_that_works(client, settings, which):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    username, password, codes = printed(seed(**SMALL))

    client.post("/accounts/login/", {"login": username, "password": password})
    client.post("/accounts/otp/", {"code": codes[which]})

    assert client.get("/admin/").status_code == 200
    assert len(set(codes)) == 10
    assert len(password) >= 20
    admin = User.objects.get(username="demo_admin")
    assert admin.is_superuser
    assert admin.is_staff
    assert EmailAddress.objects.filter(user=admin, email="demo_admin@example.org", verified=True)


def test_every_run_makes_a_new_password_and_ends_what_the_old_one_opened():
    first = printed(seed(**SMALL))
    admin = User.objects.get(username="demo_admin")
    now = timezone.now()
    session = UserSession.objects.create(
        user=admin, key_hash="x", session_data="x", expires_at=now, idle_expires_at=now
    )

    output = seed(**SMALL)

    assert "every run of seed_demo makes new ones" in output
    _username, password, codes = printed(output)
    assert password != first[1]
    assert not set(codes) & set(first[2])
    session.refresh_from_db()
    assert session.end_reason == EndReason.PASSWORD_CHANGED
    assert not AuditEvent.objects.filter(changes__icontains="argon2").exists()


# --- Again ----------------------------------------------------------------------------------


def test_a_second_run_adds_nothing_and_says_so():
    seed(**SMALL)
    before = counts()

    output = seed(**SMALL)

    after = counts()
    # The new password of the demo admin is a change that the trail names.
    assert after.pop("core.AuditEvent") == before.pop("core.AuditEvent") + 1
    assert after == before
    assert "Nothing to add" in output


def test_what_was_removed_by_hand_stays_removed():
    seed(**SMALL)
    Item.objects.all().hard_delete()

    seed(**SMALL)

    assert not Item.objects.exists()


def test_another_seed_makes_a_set_beside_the_first():
    seed(**SMALL)

    seed(**SMALL, seed=2)
    seed(users=13, items=30)

    assert User.objects.count() == 1 + 12 + 12 + 13
    assert Item.objects.count() == 90


def test_names_that_people_have_already_are_left_to_them():
    taken = Population.of(plan()).people[0].username
    UserFactory(username=taken.upper())

    seed(**SMALL)

    assert User.objects.filter(username=f"{taken}-v2").exists()


def test_a_seed_makes_the_same_people_and_items_at_any_moment():
    earlier, later = plan(), plan(anchor=timezone.now() + timedelta(days=100, hours=3))

    first, second = Population.of(earlier), Population.of(later)

    assert [p.username for p in first.people] == [p.username for p in second.people]
    assert [t.slug for t in first.teams] == [t.slug for t in second.teams]
    for number in range(30):
        one = seeding.item_of(earlier, first, number)
        two = seeding.item_of(later, second, number)
        assert (one.name, one.kind, one.tags) == (two.name, two.kind, two.tags)
    assert Population.of(plan(seed=2)).people[0].username != first.people[0].username


def test_keys_are_uuids_of_version_7_that_say_their_moment():
    moment = timezone.now() - timedelta(days=7)

    key = plan().key(moment, "item", 1)

    assert key.version == uuid7().version == 7
    assert key.variant == uuid7().variant
    assert key.int >> 80 == int(moment.timestamp() * 1000)


def test_the_trail_names_the_actor_and_the_door():
    UserFactory(username="ada")

    seed(**SMALL, actor="ada")

    events = AuditEvent.objects.filter(action="create", model="item")
    assert set(events.values_list("actor_label", "via")) == {("ada", "command")}
