"""The queries that run all the time, for ``analyze_indexes``: ``SCHEMATOOLS["QUERIES"]``.

Each is made by the querysets that serve people, so that it stays what is really asked. Whom it is
about makes no difference to its indexes: somebody who is a member of a group where there is one,
because the groups of a person are part of the query for their items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from authentication.personal_data.closing import due_accounts
from authentication.secrets import hash_api_token
from authorization.access import rows_to_read as access_rows
from authorization.models import Role, RoleAssignment
from core.api.pagination import PAGE_SIZE
from core.models import AuditEvent
from groups.models import Group, Membership
from items.models import Item
from truledgr import admin_home, palette
from users.models import Device, SessionActivity, SessionDay, User, UserSession
from users.session_reading import rows_to_read
from users.sessions import hash_key

ID = UUID(int=0x7 << 76 | 0b10 << 62)
A_DAY = date(2026, 1, 1)
PAGE = PAGE_SIZE + 1  # one more row tells whether there is a next page

Rows = QuerySet[Any]


def _somebody() -> User:
    """A member whose role lets them see the group's items; anybody where there is none."""
    membership = (
        Membership.objects.in_force()
        .filter(role__permissions__codename="view_item", user__is_superuser=False)
        .select_related("user")
        .first()
    )
    return membership.user if membership else User(pk=ID)


# --- Signing in -----------------------------------------------------------------------------


def session_by_key() -> Rows:
    return rows_to_read(hash_key("key"), timezone.now())[:1]


def user_of_session() -> Rows:
    rows: Rows = User.objects.active().filter(pk=ID)
    return rows


def user_by_username() -> Rows:
    rows: Rows = User.objects.alive().named("ada")[:1]
    return rows


def user_by_email() -> Rows:
    rows: Rows = User.objects.alive().named("ada@example.org")[:1]
    return rows


def api_token_by_secret() -> Rows:
    tokens = APIToken.objects.usable().select_related("user")
    return tokens.filter(token_hash=hash_api_token("tl_pat_"))[:1]


def authenticator_apps_of_user() -> Rows:
    return TOTPDevice.objects.filter(user=ID, confirmed=True).order_by("id")


def backup_codes_of_user() -> Rows:
    return BackupCodeDevice.objects.filter(user=ID, confirmed=True)[:1]


def usable_reset_tokens_of_user() -> Rows:
    return PasswordResetToken.objects.usable().filter(user=ID)


# --- What a person may do -------------------------------------------------------------------


def roles_of_user() -> Rows:
    return RoleAssignment.objects.in_force().filter(user=ID)


def newest_role_assignments() -> Rows:
    return RoleAssignment.objects.order_by("-granted_at", "-id")[:PAGE]


def access_of_user() -> Rows:
    """What anybody is asked to be allowed first, which answers everything after it."""
    return access_rows(ID, timezone.now())


def role_by_slug() -> Rows:
    return Role.objects.alive().filter(slug="auditor")[:1]


# --- Lists ----------------------------------------------------------------------------------


def items_of_everybody() -> Rows:
    return Item.objects.alive().visible_to(User(pk=ID, is_superuser=True))[:PAGE]


def items_of_person() -> Rows:
    return Item.objects.alive().filter(owner=ID)[:PAGE]


def items_of_group() -> Rows:
    return Item.objects.alive().filter(group=ID)[:PAGE]


def items_visible_to_member() -> Rows:
    return Item.objects.alive().visible_to(_somebody())[:PAGE]


def items_of_deletion() -> Rows:
    return Item.objects.deleted().filter(deletion_id=ID)


def groups_of_everybody() -> Rows:
    everybody = Group.objects.alive().visible_to(User(pk=ID, is_superuser=True))
    return everybody.order_by("name", "pk")[:PAGE]


def groups_visible_to_member() -> Rows:
    return Group.objects.alive().visible_to(_somebody()).order_by("name", "pk")[:PAGE]


def group_by_slug() -> Rows:
    return Group.objects.alive().filter(slug="team")[:1]


def members_of_group() -> Rows:
    return Membership.objects.filter(group=ID)


def active_members_of_group() -> Rows:
    """A page of them, as their list in the API reads it."""
    return Membership.objects.unexpired().filter(group=ID).order_by("id")[:PAGE]


def memberships_of_user() -> Rows:
    return Membership.objects.in_force().filter(user=ID).order_by("id")


def api_tokens_of_user() -> Rows:
    return APIToken.objects.filter(user=ID).order_by("-id")[:PAGE]


def open_sessions_of_user() -> Rows:
    return UserSession.objects.active().filter(user=ID).order_by("-last_activity_at")


def devices_of_user() -> Rows:
    return Device.objects.filter(user=ID).order_by("-last_seen_at")[:PAGE]


def device_by_fingerprint() -> Rows:
    return Device.objects.filter(user=ID, fingerprint="0" * 64)[:1]


def latest_sign_ins_of_user() -> Rows:
    """What the risk of a sign-in is told from."""
    rows = UserSession.objects.filter(user=ID, signed_in_at__isnull=False)
    return rows.order_by("-signed_in_at")[:50]


def sign_ins_of_a_day() -> Rows:
    now = timezone.now()
    rows = UserSession.objects.filter(signed_in_at__gte=now - timedelta(days=1))
    return rows.filter(signed_in_at__lt=now)


def days_of_everybody() -> Rows:
    return SessionDay.objects.filter(user=None, day__gte=A_DAY)


def days_of_user() -> Rows:
    return SessionDay.objects.filter(user=ID, day__gte=A_DAY)


def accounts_to_close() -> Rows:
    rows: Rows = due_accounts()
    return rows


def activity_of_user() -> Rows:
    return SessionActivity.objects.filter(user=ID).order_by("-occurred_at")[:PAGE]


# --- The start page of the admin, and its palette ---------------------------------------------


def newest_users() -> Rows:
    """Of this moment: where everybody is new, to read all of them would be right."""
    return admin_home.new_users(timezone.now())


def suspicious_sign_ins_of_a_week() -> Rows:
    rows = admin_home.suspicious_sign_ins(timezone.now() - timedelta(days=7))
    return rows.order_by()[: admin_home.MOST]


def open_sessions_of_everybody() -> Rows:
    return UserSession.objects.active().order_by()[: admin_home.MOST]


def deleted_users() -> Rows:
    return admin_home.deleted_rows(User).order_by()[: admin_home.MOST]


def deleted_items() -> Rows:
    return admin_home.deleted_rows(Item).order_by()[: admin_home.MOST]


def users_near_a_username() -> Rows:
    return palette.people_near("username", "ad")


def users_near_an_address() -> Rows:
    return palette.people_near("email", "ad")


def groups_near_a_slug() -> Rows:
    return palette.groups_near("slug", "ad")


def groups_near_a_name() -> Rows:
    return palette.groups_near("name", "ad")


# --- The audit trail ------------------------------------------------------------------------


def trail_of_object() -> Rows:
    events = AuditEvent.objects.filter(app="items", model="item", object_id=str(ID))
    return events.order_by("-id")[:PAGE]


def trail_of_person() -> Rows:
    return AuditEvent.objects.filter(actor=ID).order_by("-id")[:PAGE]


def trail_of_somebody_acted_as() -> Rows:
    return AuditEvent.objects.filter(on_behalf_of=ID).order_by("-id")[:PAGE]


def newest_events() -> Rows:
    return AuditEvent.objects.order_by("-id")[:PAGE]


def newest_seal() -> Rows:
    return AuditEvent.objects.filter(action="seal").order_by("-id")[:1]


HOT: tuple[Callable[[], Rows], ...] = (
    session_by_key,
    user_of_session,
    user_by_username,
    user_by_email,
    api_token_by_secret,
    authenticator_apps_of_user,
    backup_codes_of_user,
    usable_reset_tokens_of_user,
    roles_of_user,
    newest_role_assignments,
    access_of_user,
    role_by_slug,
    items_of_everybody,
    items_of_person,
    items_of_group,
    items_visible_to_member,
    items_of_deletion,
    groups_of_everybody,
    groups_visible_to_member,
    group_by_slug,
    members_of_group,
    active_members_of_group,
    memberships_of_user,
    api_tokens_of_user,
    open_sessions_of_user,
    devices_of_user,
    latest_sign_ins_of_user,
    sign_ins_of_a_day,
    days_of_everybody,
    days_of_user,
    accounts_to_close,
    device_by_fingerprint,
    newest_users,
    suspicious_sign_ins_of_a_week,
    open_sessions_of_everybody,
    deleted_users,
    deleted_items,
    users_near_a_username,
    users_near_an_address,
    groups_near_a_slug,
    groups_near_a_name,
    activity_of_user,
    trail_of_object,
    trail_of_person,
    trail_of_somebody_acted_as,
    newest_events,
    newest_seal,
)


def named() -> Mapping[str, str]:
    """What ``SCHEMATOOLS["QUERIES"]`` says: dotted paths by name."""
    return {query.__name__.replace("_", " "): f"{__name__}.{query.__name__}" for query in HOT}
