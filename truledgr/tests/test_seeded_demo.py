"""What `manage.py seed_demo` has made, when nothing else is said."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.test import TestCase, override_settings
from django.utils import timezone

from authentication.models import APIToken, PasswordResetToken, TOTPDevice
from authorization.models import RoleAssignment
from core import seals
from core.models import AuditEvent
from groups.models import Group, GroupType, Invitation, Membership, MembershipStatus
from items.models import Item
from truledgr.tests.demo_seeds import seed
from users.activity.rows import DETAILS
from users.analytics.counting import count
from users.analytics.roll_ups import missing_days
from users.models import ActivityType, EndReason, SessionActivity, SessionDay, User, UserSession


class TheDefaultSet(TestCase):
    """Made once for all of these tests, which only read it."""

    @classmethod
    def setUpTestData(cls):
        with override_settings(DEBUG=True):
            seed()

    def test_the_default_set_shows_every_kind_of_thing(self):
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

    def test_the_sessions_end_for_every_reason_and_some_are_open(self):
        reasons = Counter(UserSession.objects.values_list("end_reason", flat=True))

        assert set(reasons) == {"", *EndReason.values}
        assert UserSession.objects.active().count() == reasons[""]
        assert UserSession.objects.filter(is_suspicious=True, risk_score__gte=60).exists()
        types = set(UserSession.objects.values_list("device_type", flat=True))
        assert types >= {"desktop", "mobile", "tablet"}
        assert UserSession.objects.exclude(country="").exclude(browser="").exists()

    def test_the_risk_of_a_session_is_that_of_the_rules_that_fired(self):
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

    def test_staff_have_looked_at_the_site_as_somebody_else(self):
        sessions = UserSession.objects.exclude(impersonator=None)

        assert sessions.exists()
        for session in sessions:
            assert session.impersonator.username == "demo_admin"
            assert session.impersonation_reason
            assert session.is_read_only
            assert session.signed_in_at is None
            assert session.ended_at - session.created_at <= timedelta(hours=1)

    def test_sessions_know_where_they_are_and_some_are_remembered(self):
        sessions = UserSession.objects.all()

        assert not sessions.filter(Q(latitude=None) | Q(longitude=None)).exists()
        assert not sessions.filter(impersonator=None, signed_in_at=None).exists()
        assert sessions.filter(is_remembered=True).exists()
        assert not sessions.filter(is_remembered=True).exclude(verified_factor_at=None).exists()

    def test_events_of_signing_in_tell_no_more_than_live_ones(self):
        for activity in SessionActivity.objects.exclude(activity_type=ActivityType.REQUEST):
            assert activity.extra.keys() <= DETAILS
            assert (activity.route, activity.method, activity.duration_ms) == ("", "", None)

    def test_days_that_are_over_are_counted_and_say_what_the_rows_say(self):
        assert missing_days() == []
        kept = dict(SessionDay.objects.filter(user=None).values_list("day", "counts"))
        live = count(kept)
        assert {day: counts for day, counts in kept.items() if counts} == {
            day: counts.kept() for (day, _user), counts in live.items()
        }

    def test_activity_covers_ninety_days_by_day_and_in_the_week(self):
        activities = SessionActivity.objects.all()

        assert set(activities.values_list("activity_type", flat=True)) == set(ActivityType.values)
        first, last = (
            activities.order_by(order).values_list("occurred_at", flat=True)[0]
            for order in ("occurred_at", "-occurred_at")
        )
        assert timedelta(days=80) < last - first < timedelta(days=91)
        assert last <= timezone.now()
        weekdays = Counter(
            day.weekday() for day in activities.values_list("occurred_at", flat=True)
        )
        weekend = weekdays[5] + weekdays[6]
        assert weekend < 0.5 * sum(weekdays.values()) * 2 / 7
        assert not UserSession.objects.filter(created_at__lt=F("user__created_at")).exists()

    def test_the_requests_that_a_session_counts_are_the_ones_in_the_log(self):
        for session in UserSession.objects.all()[:20]:
            types = Counter(session.activities.values_list("activity_type", flat=True))
            assert session.request_count == types["request"] + types["sign_in"]

    def test_some_rows_are_deleted_by_the_real_delete(self):
        group = Group.objects.deleted().get()

        assert group.items.exists()
        assert set(group.items.values_list("deletion_id", flat=True)) >= {group.deletion_id}
        assert not group.items.alive().exists()
        assert User.objects.deleted().exists()
        deleted = Item.objects.deleted().count()
        assert 20 < deleted < 200
        assert AuditEvent.objects.filter(model="item", action="delete").count() == deleted

    def test_groups_count_their_active_members(self):
        for group in Group.objects.all():
            assert group.member_count == group.memberships.filter(status="active").count()
            assert group.memberships.filter(rank="owner", user=group.owner).count() == 1

    def test_times_are_spread_and_never_in_the_future(self):
        now = timezone.now()

        for model in (User, Group, Item, UserSession):
            rows = model.objects.exclude(pk=User.objects.get(username="demo_admin").pk)
            assert not rows.filter(Q(created_at__gt=now) | Q(updated_at__gt=now)).exists()
            oldest = rows.order_by("created_at")[0].created_at
            assert oldest < now - timedelta(days=60)
            for row in rows[:20]:
                assert row.pk.int >> 80 == int(row.created_at.timestamp() * 1000)

    def test_the_rows_pass_the_rules_of_their_models(self):
        for model in (User, Group, Item, APIToken, PasswordResetToken):
            for row in model.objects.all()[:25]:
                row.full_clean(exclude=["password"])

    def test_the_trail_tells_of_every_row_and_verifies(self):
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
