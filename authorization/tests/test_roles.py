"""Making, changing, cloning, comparing, deleting and restoring roles."""

import pytest
from django.utils import timezone

from authorization.comparing import compare_roles
from authorization.labels import by_module, every_permission, permissions_named
from authorization.models import Role, RoleScope
from authorization.services import roles
from authorization.services.assignments import assign_role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from authorization.tests.test_services import fresh, holder_of
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from groups.tests.factories import MembershipFactory
from users.models import EndReason
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return UserFactory(username="root", is_superuser=True)


def events_of(*roles_):
    """What the trail has of them; of the system roles, too, it has something."""
    keys = [str(role.pk) for role in roles_]
    return AuditEvent.objects.filter(model="role", object_id__in=keys).order_by("id")


def named(*labels):
    return list(permissions_named(labels).values())


def test_a_role_is_made_with_what_it_holds_and_a_slug_from_its_name():
    actor = holder_of("items.view_item")

    role = roles.create_role(
        actor=actor, name="Item Readers", permissions=named("items.view_item"), reason="Audit"
    )

    assert role.slug == "item-readers"
    held = role.role_permissions.get()
    assert (held.granted_by, held.reason) == (actor, "Audit")
    events = [*events_of(role), AuditEvent.objects.get(model="rolepermission")]
    assert [(event.action, event.actor_id) for event in events] == [("create", actor.pk)] * 2
    with pytest.raises(NotAllowedError, match=r"do not hold items\.delete_item"):
        roles.create_role(actor=actor, name="x", permissions=named("items.delete_item"))


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"name": "Readers"}, ConflictError, "slug"),
        ({"name": "x", "slug": "auditor"}, ConflictError, "slug"),
        ({"name": "日本"}, DomainError, "slug"),
        ({"name": "x", "description": "x" * 5_001}, DomainError, "description"),
    ],
)
def test_a_role_that_cannot_be_is_refused_at_the_field(root, values, error, field):
    RoleFactory(slug="readers")

    with pytest.raises(error) as refusal:
        roles.create_role(actor=root, **values)

    assert refusal.value.field == field


def test_a_deleted_role_frees_its_slug_but_is_not_restored_over_the_next(root):
    old = RoleFactory(slug="readers")
    roles.delete_role(actor=root, role=old)
    roles.create_role(actor=root, name="Readers")

    with pytest.raises(ConflictError, match="taken the place"):
        roles.restore_role(actor=root, role=old)


def test_a_role_that_is_restored_holds_what_it_held(root):
    role = RoleFactory(permissions=["items.view_item"])
    roles.delete_role(actor=root, role=role)

    restored = roles.restore_role(actor=root, role=role)

    assert roles.permissions_of(restored) == {"items.view_item"}
    assert [(event.action, event.actor_id) for event in events_of(role)] == [
        ("delete", root.pk), ("restore", root.pk),
    ]  # fmt: skip


def test_a_role_that_is_held_is_not_deleted_and_the_refusal_says_by_whom(root):
    role = RoleFactory(name="Readers")
    for name in ("anna", "bob", "cleo", "dan"):
        RoleAssignmentFactory(role=role, user=UserFactory(username=name))
    of_group = MembershipFactory().role

    with pytest.raises(ConflictError, match=r"4 role assignments \(anna is Readers, bob is"):
        roles.delete_role(actor=root, role=role)
    with pytest.raises(ConflictError, match="1 membership"):
        roles.delete_role(actor=root, role=of_group)


def test_the_scope_is_fixed_once_somebody_holds_it(root):
    free, held, of_group = RoleFactory(), RoleAssignmentFactory().role, MembershipFactory().role

    assert roles.update_role(actor=root, role=free, scope="group").scope == RoleScope.GROUP
    for role, scope in ((held, "group"), (of_group, "global")):
        with pytest.raises(ConflictError, match="fixed while it is held"):
            roles.update_role(actor=root, role=role, scope=scope)


def test_a_change_that_changes_nothing_is_no_event(root):
    role = RoleFactory(name="Readers")

    roles.update_role(actor=root, role=role, name="Readers")
    assert not events_of(role)
    roles.update_role(actor=root, role=role, name="Writers")

    assert events_of(role).get().changes == {"name": ["Readers", "Writers"]}


@pytest.mark.parametrize("slug", ["administrator", "group-viewer"])
def test_no_service_changes_a_system_role(root, slug):
    role = Role.objects.get(slug=slug)

    for act in (
        lambda: roles.update_role(actor=root, role=role, name="Mine"),
        lambda: roles.delete_role(actor=root, role=role),
        lambda: roles.set_permissions(actor=root, role=role, permissions=[]),
    ):
        with pytest.raises(NotAllowedError, match="system role"):
            act()


def test_adding_to_ones_own_role_is_harmless_when_one_holds_it():
    actor = holder_of("items.view_item")
    own = RoleAssignmentFactory(user=actor).role

    roles.grant_permission(actor=actor, role=own, permission=named("items.view_item")[0])
    with pytest.raises(NotAllowedError, match="do not hold"):
        roles.grant_permission(actor=actor, role=own, permission=named("items.add_item")[0])


def test_nobody_stops_a_role_from_asking_themselves_for_a_second_factor(root):
    actor = holder_of()
    own = RoleAssignmentFactory(user=actor, role=RoleFactory(totp_required=True)).role

    with pytest.raises(NotAllowedError, match="second factor"):
        roles.update_role(actor=fresh(actor), role=own, totp_required=False)

    assert not roles.update_role(actor=root, role=own, totp_required=False).totp_required


def test_a_clone_of_a_system_role_is_custom_and_held_by_nobody(root):
    auditor = Role.objects.get(slug="auditor")

    clone = roles.clone_role(actor=root, role=auditor, name="Night auditor")

    assert (clone.is_system, clone.slug) == (False, "night-auditor")
    assert roles.permissions_of(clone) == roles.permissions_of(auditor)
    assert {row.reason for row in clone.role_permissions.all()} == {"Cloned from auditor"}
    with pytest.raises(NotAllowedError, match="do not hold"):
        roles.clone_role(actor=holder_of(), role=auditor, name="Mine")


def test_two_roles_are_compared_by_one_query(django_assert_num_queries):
    left = RoleFactory(permissions=["items.view_item", "items.add_item"])
    right = RoleFactory(permissions=["items.view_item", "items.delete_item"])

    with django_assert_num_queries(1):
        comparison = compare_roles(left, right)

    assert [
        [label.permission for label in labels]
        for labels in (comparison.only_left, comparison.both, comparison.only_right)
    ] == [["items.add_item"], ["items.view_item"], ["items.delete_item"]]


def test_permissions_are_named_in_words_by_module():
    modules = {module.app: module for module in by_module(every_permission())}

    assert modules["items"].name == "Items"
    # What only looks first; the words of the model, not Django's "Can view item".
    assert [label.name for label in modules["items"].permissions] == [
        "View items", "Add items", "Change items", "Delete items",
    ]  # fmt: skip
    names = {label.permission: label.name for label in modules["users"].permissions}
    assert names["users.impersonate_user"] == "Act as another user"


@pytest.mark.parametrize("how", ["assigned", "extended", "marked", "switched on"])
def test_a_role_that_asks_for_a_second_factor_ends_remembered_sessions_without_one(root, how):
    """ "Remember me" is for those whom no rule asks for one; others prove it, or sign in anew."""
    user = UserFactory()
    role = RoleFactory(totp_required=how != "marked", is_active=how != "switched on")
    if how == "extended":
        RoleAssignmentFactory(user=user, role=role, expires_at=timezone.now())
    elif how != "assigned":
        RoleAssignmentFactory(user=user, role=role)
    remembered = UserSessionFactory(user=user, is_remembered=True)
    going_on = [
        UserSessionFactory(user=user),
        UserSessionFactory(user=user, is_remembered=True, verified_factor="app/1"),
        UserSessionFactory(is_remembered=True),
    ]

    match how:
        case "marked":
            roles.update_role(actor=root, role=role, totp_required=True)
        case "switched on":
            roles.update_role(actor=root, role=role, is_active=True)
        case _:
            assign_role(actor=root, user=user, role=role)

    remembered.refresh_from_db()
    assert (remembered.is_open, remembered.end_reason) == (False, EndReason.REVOKED_BY_STAFF)
    assert AuditEvent.objects.get(model="usersession").actor_id == root.pk
    for session in going_on:
        session.refresh_from_db()
        assert session.is_open
