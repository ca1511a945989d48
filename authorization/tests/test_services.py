"""Giving and taking roles and permissions."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from authorization.services import assignments, roles
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def fresh(user):
    """The user without the permissions that it remembers."""
    return User.objects.get(pk=user.pk)


MANAGING = [
    f"authorization.{verb}_{model}"
    for verb in ("add", "change", "delete")
    for model in ("role", "rolepermission", "roleassignment")
]


def holder_of(*permissions, managing=True):
    """Who holds these, and all that it takes to manage roles."""
    user = UserFactory()
    held = [*permissions, *(MANAGING if managing else ())]
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=held))
    return fresh(user)


def permission(label):
    app, codename = label.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def test_a_role_is_assigned_recorded_and_in_force_at_once():
    actor, user = holder_of("items.view_item"), UserFactory()
    role = RoleFactory(permissions=["items.view_item"])

    assignment = assignments.assign_role(actor=actor, user=user, role=role, reason="New hire")

    assert fresh(user).has_perm("items.view_item")
    assert assignment.granted_by == actor
    event = AuditEvent.objects.get(model="roleassignment")
    assert (event.action, event.actor_id) == ("create", actor.pk)
    assert event.changes["role"] == [None, str(role.pk)]


def test_assigning_again_sets_the_end_anew_and_keeps_one_row():
    actor, user, role = UserFactory(is_superuser=True), UserFactory(), RoleFactory()
    assignments.assign_role(actor=actor, user=user, role=role)
    tomorrow = timezone.now() + timezone.timedelta(days=1)

    assignments.assign_role(actor=actor, user=user, role=role, expires_at=tomorrow)

    assert RoleAssignment.objects.get(user=user).expires_at == tomorrow
    latest = AuditEvent.objects.filter(model="roleassignment").latest("id")
    assert (latest.action, list(latest.changes)) == ("update", ["expires_at"])


@pytest.mark.parametrize("is_active", [True, False])
def test_nobody_gives_or_takes_a_role_that_holds_more_than_they_do(is_active):
    """A role that is switched off counts with what switching it on would give."""
    actor, user = holder_of("items.view_item"), UserFactory()
    role = RoleFactory(permissions=["items.view_item", "items.delete_item"], is_active=is_active)
    held = RoleAssignmentFactory(role=role)

    with pytest.raises(NotAllowedError, match="do not hold"):
        assignments.assign_role(actor=actor, user=user, role=role)
    with pytest.raises(NotAllowedError, match="do not hold"):
        assignments.revoke_role(actor=actor, assignment=held)

    assert not RoleAssignment.objects.filter(user=user).exists()
    assert RoleAssignment.objects.filter(pk=held.pk).exists()


def test_nobody_changes_their_own_roles_but_superusers():
    actor = holder_of("items.view_item")
    role = RoleFactory(permissions=["items.view_item"])

    with pytest.raises(NotAllowedError, match="their own roles"):
        assignments.assign_role(actor=actor, user=actor, role=role)

    boss = UserFactory(is_superuser=True)
    assert assignments.assign_role(actor=boss, user=boss, role=role).user == boss


@pytest.mark.parametrize("flaw", ["group", "deleted"])
def test_only_live_roles_of_scope_global_are_assigned(flaw):
    role = RoleFactory(scope=RoleScope.GROUP if flaw == "group" else RoleScope.GLOBAL)
    if flaw == "deleted":
        role.delete()

    with pytest.raises(DomainError, match="scope global"):
        assignments.assign_role(actor=UserFactory(is_superuser=True), user=UserFactory(), role=role)


def test_an_end_in_the_past_is_refused():
    with pytest.raises(DomainError, match="past"):
        assignments.assign_role(
            actor=UserFactory(is_superuser=True),
            user=UserFactory(),
            role=RoleFactory(),
            expires_at=timezone.now(),
        )


def test_a_revoked_role_is_out_of_force_at_once_and_recorded():
    actor = UserFactory(is_superuser=True)
    held = RoleAssignmentFactory(role=RoleFactory(permissions=["items.view_item"]))

    assignments.revoke_role(actor=actor, assignment=held)
    assignments.revoke_role(actor=actor, assignment=held)

    assert not fresh(held.user).has_perm("items.view_item")
    assert AuditEvent.objects.get(model="roleassignment").action == "revoke"


def test_a_permission_is_granted_and_withdrawn_with_a_record():
    actor = UserFactory(is_superuser=True)
    user = holder_of("items.view_item", managing=False)
    role = user.role_assignments.get().role

    held = roles.grant_permission(
        actor=actor, role=role, permission=permission("items.add_item"), reason="They asked"
    )
    assert (held.granted_by, held.reason) == (actor, "They asked")
    assert fresh(user).has_perm("items.add_item")
    roles.withdraw_permission(actor=actor, held=held)

    assert not fresh(user).has_perm("items.add_item")
    events = AuditEvent.objects.filter(model="rolepermission").order_by("id")
    assert [event.action for event in events] == ["create", "withdraw"]


def test_nobody_adds_a_permission_that_they_do_not_hold():
    actor = holder_of("items.view_item")
    role = RoleFactory()

    with pytest.raises(NotAllowedError, match=r"do not hold items\.delete_item"):
        roles.grant_permission(actor=actor, role=role, permission=permission("items.delete_item"))
    assert not RolePermission.objects.filter(role=role).exists()


def test_nobody_touches_a_role_that_holds_more_than_they_do():
    actor = holder_of("items.view_item")
    role = RoleFactory(permissions=["items.delete_item"])

    with pytest.raises(NotAllowedError):
        roles.grant_permission(actor=actor, role=role, permission=permission("items.view_item"))
    with pytest.raises(NotAllowedError):
        roles.withdraw_permission(actor=actor, held=role.role_permissions.get())


def test_a_permission_is_granted_once():
    role = RoleFactory(permissions=["items.view_item"])

    with pytest.raises(ConflictError, match="already"):
        roles.grant_permission(
            actor=UserFactory(is_superuser=True),
            role=role,
            permission=permission("items.view_item"),
        )


def test_system_roles_are_closed_to_superusers_too():
    role = Role.objects.get(slug="support")
    boss = UserFactory(is_superuser=True)

    with pytest.raises(NotAllowedError, match="system role"):
        roles.grant_permission(actor=boss, role=role, permission=permission("items.add_item"))
    with pytest.raises(NotAllowedError, match="system role"):
        roles.withdraw_permission(actor=boss, held=role.role_permissions.first())


@pytest.mark.parametrize(
    ("codename", "act"),
    [
        ("add_roleassignment", lambda a, held: assignments.assign_role(
            actor=a, user=UserFactory(), role=held.role)),
        ("change_roleassignment", lambda a, held: assignments.assign_role(
            actor=a, user=held.user, role=held.role, reason="x")),
        ("change_roleassignment", lambda a, held: assignments.change_assignment(
            actor=a, assignment=held, reason="x")),
        ("delete_roleassignment", lambda a, held: assignments.revoke_role(
            actor=a, assignment=held)),
        ("add_role", lambda a, _held: roles.create_role(actor=a, name="New")),
        ("add_role", lambda a, held: roles.clone_role(actor=a, role=held.role, name="New")),
        ("change_role", lambda a, held: roles.update_role(actor=a, role=held.role, name="New")),
        ("delete_role", lambda a, _held: roles.delete_role(actor=a, role=RoleFactory())),
        ("delete_role", lambda a, _held: roles.restore_role(actor=a, role=RoleFactory())),
        ("add_rolepermission", lambda a, held: roles.grant_permission(
            actor=a, role=held.role, permission=permission("items.view_item"))),
    ],
)  # fmt: skip
def test_each_service_needs_the_permission_of_its_name(codename, act):
    needed = f"authorization.{codename}"
    actor = UserFactory()
    others = [label for label in MANAGING if label != needed] + ["items.view_item"]
    RoleAssignmentFactory(user=actor, role=RoleFactory(permissions=others))

    with pytest.raises(NotAllowedError, match=needed):
        act(fresh(actor), RoleAssignmentFactory())


@pytest.mark.parametrize("superior", ["superuser", "role", "asleep"])
def test_nobody_touches_the_roles_of_somebody_with_rights_that_they_lack(superior):
    """Taking a harmless role from them could be one that others rely on: it demotes them."""
    actor = holder_of("items.view_item")
    held = RoleAssignmentFactory(
        user=UserFactory(is_superuser=superior == "superuser", is_active=superior != "asleep"),
        role=RoleFactory(permissions=["items.view_item"]),
    )
    if superior != "superuser":
        stronger = RoleFactory(permissions=["items.delete_item"])
        RoleAssignmentFactory(user=held.user, role=stronger)

    for act in (
        lambda: assignments.revoke_role(actor=actor, assignment=held),
        lambda: assignments.change_assignment(actor=actor, assignment=held, reason="x"),
        lambda: assignments.assign_role(actor=actor, user=held.user, role=RoleFactory()),
        lambda: roles.withdraw_permission(actor=actor, held=held.role.role_permissions.get()),
        lambda: roles.update_role(actor=actor, role=held.role, is_active=False),
        lambda: roles.set_permissions(actor=actor, role=held.role, permissions=[]),
    ):
        with pytest.raises(NotAllowedError, match="rights that you"):
            act()
    assert fresh(held.user).role_assignments.filter(pk=held.pk).exists()
    assert held.role.role_permissions.exists()


def test_an_expired_role_lifts_nobody_above_others():
    actor = holder_of("items.view_item")
    held = RoleAssignmentFactory(role=RoleFactory(permissions=["items.view_item"]))
    RoleAssignmentFactory(
        user=held.user,
        role=RoleFactory(permissions=["items.delete_item"]),
        expires_at=timezone.now(),
    )

    roles.withdraw_permission(actor=actor, held=held.role.role_permissions.get())
    assignments.revoke_role(actor=actor, assignment=held)

    assert not RoleAssignment.objects.filter(pk=held.pk).exists()


def test_what_the_actor_lost_since_they_were_read_counts():
    actor, user = holder_of("items.view_item"), UserFactory()
    role = RoleFactory(permissions=["items.view_item"])
    assert actor.has_perm("items.view_item")
    RoleAssignment.objects.filter(user=actor).update(expires_at=timezone.now())

    with pytest.raises(NotAllowedError):
        assignments.assign_role(actor=actor, user=user, role=role)


def test_another_end_is_another_grant_and_another_reason_is_not():
    first, second = UserFactory(is_superuser=True), UserFactory(is_superuser=True)
    held = assignments.assign_role(actor=first, user=UserFactory(), role=RoleFactory())

    held = assignments.change_assignment(actor=second, assignment=held, reason="Typo")
    assert held.granted_by == first
    tomorrow = timezone.now() + timezone.timedelta(days=1)
    held = assignments.change_assignment(actor=second, assignment=held, expires_at=tomorrow)

    assert (held.granted_by, held.reason, held.expires_at) == (second, "Typo", tomorrow)
    with pytest.raises(DomainError, match="past"):
        assignments.change_assignment(actor=first, assignment=held, expires_at=timezone.now())


def test_a_deleted_user_is_given_nothing():
    user = UserFactory()
    user.delete()

    with pytest.raises(DomainError, match="deleted"):
        assignments.assign_role(actor=UserFactory(is_superuser=True), user=user, role=RoleFactory())
