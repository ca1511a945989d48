from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db.models import F, Q
from django.utils import timezone

from authentication.models import APIToken, PasswordResetToken, TOTPDevice
from authorization.models import RoleAssignment
from core import seals
from core.ids import uuid7
from core.models import AuditEvent
from groups.models import Group, GroupType, Invitation, Membership, MembershipStatus
from items.models import Item
from truledgr.demo import seeding
from truledgr.demo.plan import Plan
from truledgr.demo.population import Population
from truledgr.tests.demo_seeds import SMALL, in_development, seed
from users.activity.rows import DETAILS
from users.analytics.counting import count
from users.analytics.roll_ups import missing_days
from users.models import ActivityType, EndReason, SessionActivity, SessionDay, User, UserSession
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


# --- What there is --------------------------------------------------------------------------


@pytest.fixture
def seeded():
    seed()


def test_the_default_set_shows_every_kind_of_thing(seeded):
    now = timezone.now()

    assert set(Group.objects.values_list("group_type", flat=True)) == set(GroupType.values)
    statuses = set(Membership.objects.values_list("status", flat=True))
    assert statuses == set(MembershipStatus.values)
    roles = set(Membership.objects.values_list("role__slug", flat=True))
    assert roles == {"group-owner", "group-admin", "group-member", "group-viewer"}
    held = set(RoleAssignment.objects.values_list("role__slug", flat=True))
    assert held == {"staff", "auditor", "support", "content-curator"}
    assert RoleAssignment.objects.filter(expires_at__gt=now).exists()
    assert RoleAssignment.objects.filter(expires_at__lt=now).exists()
    assert APIToken.objects.exists()
    assert PasswordResetToken.objects.exclude(used_at=None).exists()
    assert PasswordResetToken.objects.exclude(revoked_at=None).exists()
    assert PasswordResetToken.objects.filter(used_at=None, revoked_at=None, expires_at__lt=now)
    assert TOTPDevice.objects.filter(confirmed=False).exists()
    assert User.objects.filter(is_active=False).exists()


def test_the_sessions_end_for_every_reason_and_some_are_open(seeded):
    reasons = Counter(UserSession.objects.values_list("end_reason", flat=True))

    assert set(reasons) == {"", *EndReason.values}
    assert UserSession.objects.active().count() == reasons[""]
    assert UserSession.objects.filter(is_suspicious=True, risk_score__gte=60).exists()
    types = set(UserSession.objects.values_list("device_type", flat=True))
    assert types >= {"desktop", "mobile", "tablet"}
    assert UserSession.objects.exclude(country="").exclude(browser="").exists()


def test_the_risk_of_a_session_is_that_of_the_rules_that_fired(seeded, settings):
    fired = Counter()
    for session in UserSession.objects.all():
        weights = {rule["rule"]: rule["weight"] for rule in session.risk_rules}
        assert session.risk_score == min(100, sum(weights.values()))
        assert session.is_suspicious == (session.risk_score >= settings.RISK_ASK_SCORE)
        assert weights.items() <= settings.RISK_WEIGHTS.items()
        stopped = session.risk_score >= settings.RISK_END_SCORE
        assert (session.end_reason == EndReason.SUSPICIOUS) <= stopped
        fired.update(weights)
    assert {"new_device", "new_country", "impossible_travel", "odd_hour"} <= fired.keys()


def test_staff_have_looked_at_the_site_as_somebody_else(seeded):
    sessions = UserSession.objects.exclude(impersonator=None)

    assert sessions.exists()
    for session in sessions:
        assert session.impersonator.username == "demo_admin"
        assert session.impersonation_reason
        assert session.is_read_only
        assert session.signed_in_at is None
        assert session.ended_at - session.created_at <= timedelta(hours=1)


def test_sessions_know_where_they_are_and_some_are_remembered(seeded):
    sessions = UserSession.objects.all()

    assert not sessions.filter(Q(latitude=None) | Q(longitude=None)).exists()
    assert not sessions.filter(impersonator=None, signed_in_at=None).exists()
    assert sessions.filter(is_remembered=True).exists()
    assert not sessions.filter(is_remembered=True).exclude(verified_factor_at=None).exists()


def test_events_of_signing_in_tell_no_more_than_live_ones(seeded):
    for activity in SessionActivity.objects.exclude(activity_type=ActivityType.REQUEST):
        assert activity.extra.keys() <= DETAILS
        assert (activity.route, activity.method, activity.duration_ms) == ("", "", None)


def test_days_that_are_over_are_counted_and_say_what_the_rows_say(seeded):
    assert missing_days() == []
    kept = dict(SessionDay.objects.filter(user=None).values_list("day", "counts"))
    live = count(kept)
    assert {day: counts for day, counts in kept.items() if counts} == {
        day: counts.kept() for (day, _user), counts in live.items()
    }


def test_activity_covers_ninety_days_by_day_and_in_the_week(seeded):
    activities = SessionActivity.objects.all()

    assert set(activities.values_list("activity_type", flat=True)) == set(ActivityType.values)
    first, last = (
        activities.order_by(order).values_list("occurred_at", flat=True)[0]
        for order in ("occurred_at", "-occurred_at")
    )
    assert timedelta(days=80) < last - first < timedelta(days=91)
    assert last <= timezone.now()
    weekdays = Counter(day.weekday() for day in activities.values_list("occurred_at", flat=True))
    weekend = weekdays[5] + weekdays[6]
    assert weekend < 0.5 * sum(weekdays.values()) * 2 / 7
    assert not UserSession.objects.filter(created_at__lt=F("user__created_at")).exists()


def test_the_requests_that_a_session_counts_are_the_ones_in_the_log(seeded):
    for session in UserSession.objects.all()[:20]:
        types = Counter(session.activities.values_list("activity_type", flat=True))
        assert session.request_count == types["request"] + types["sign_in"]


def test_some_rows_are_deleted_by_the_real_delete(seeded):
    group = Group.objects.deleted().get()

    assert group.items.exists()
    assert set(group.items.values_list("deletion_id", flat=True)) >= {group.deletion_id}
    assert not group.items.alive().exists()
    assert User.objects.deleted().exists()
    deleted = Item.objects.deleted().count()
    assert 20 < deleted < 200
    assert AuditEvent.objects.filter(model="item", action="delete").count() == deleted


def test_groups_count_their_active_members(seeded):
    for group in Group.objects.all():
        assert group.member_count == group.memberships.filter(status="active").count()
        assert group.memberships.filter(rank="owner", user=group.owner).count() == 1


def test_times_are_spread_and_never_in_the_future(seeded):
    now = timezone.now()

    for model in (User, Group, Item, UserSession):
        rows = model.objects.exclude(pk=User.objects.get(username="demo_admin").pk)
        assert not rows.filter(Q(created_at__gt=now) | Q(updated_at__gt=now)).exists()
        oldest = rows.order_by("created_at")[0].created_at
        assert oldest < now - timedelta(days=60)
        for row in rows[:20]:
            assert row.pk.int >> 80 == int(row.created_at.timestamp() * 1000)


def test_the_rows_pass_the_rules_of_their_models(seeded):
    for model in (User, Group, Item, APIToken, PasswordResetToken):
        for row in model.objects.all()[:25]:
            row.full_clean(exclude=["password"])


def test_the_trail_tells_of_every_row_and_verifies(seeded):
    for model in (
        User,
        Group,
        Membership,
        Invitation,
        Item,
        APIToken,
        PasswordResetToken,
        RoleAssignment,
    ):
        events = AuditEvent.objects.filter(action="create", model=model._meta.model_name)
        assert events.count() == model.objects.count()

    assert seals.verify().findings == []


def test_the_trail_names_the_actor_and_the_door():
    UserFactory(username="ada")

    seed(**SMALL, actor="ada")

    events = AuditEvent.objects.filter(action="create", model="item")
    assert set(events.values_list("actor_label", "via")) == {("ada", "command")}
