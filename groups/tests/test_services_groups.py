"""Making, changing, archiving, deleting and restoring groups."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from authorization.models import RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.options import Options, options_of
from groups.services import groups as services
from groups.services.members import leave_group
from groups.tests.factories import GroupFactory, MembershipFactory, anew, member_of, owned_group
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def actions_of(target):
    return list(
        AuditEvent.objects.filter(object_id=str(target.pk)).order_by("id").values_list(
            "action", flat=True
        )
    )  # fmt: skip


def staff_with(*permissions):
    return RoleAssignmentFactory(role=RoleFactory(permissions=permissions)).user


def test_who_makes_a_group_owns_it_as_its_first_member():
    actor = UserFactory()

    group = services.create_group(actor=actor, name="Rowing Club", tags=["boats"])

    membership = group.memberships.get()
    assert (group.owner, group.created_by, group.member_count) == (actor, actor, 1)
    assert (membership.user, membership.rank, membership.role.slug) == (
        actor, "owner", "group-owner",
    )  # fmt: skip
    assert (membership.status, membership.expires_at) == ("active", None)
    assert actor.has_perm("items.delete_item", Group.objects.get(pk=group.pk))
    assert (actions_of(group), actions_of(membership)) == (["create"], ["create"])


def test_a_slug_is_made_from_the_name_and_numbered_when_it_is_taken():
    actor = UserFactory()
    make = services.create_group

    made = [make(actor=actor, name=name).slug for name in ("Crew", "Crew!", "crew", "日本", "—")]

    assert made == ["crew", "crew-2", "crew-3", "group", "group-2"]
    with pytest.raises(ConflictError, match="slug") as refused:
        make(actor=actor, name="Other", slug="crew")
    assert refused.value.field == "slug"
    group = Group.objects.get(slug="crew-2")
    assert services.update_group(actor=actor, group=group, name="Rowing", slug="").slug == "rowing"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("tags", ["a", "a"], DomainError),
        ("tags", "a", DomainError),
        ("name", "", ValidationError),
        ("name", "a\0", DomainError),
        ("slug", "not a slug", ValidationError),
        ("group_type", "gang", ValidationError),
        ("max_members", 0, (DomainError, ConflictError)),
        ("settings", [], DomainError),
        ("settings", {"colour": "red"}, DomainError),
        ("settings", {"members_may_invite": 1}, DomainError),
        ("settings", {"invitation_days": 31}, DomainError),
        ("settings", {"invitation_days": True}, DomainError),
        ("settings", {"default_role": "administrator"}, DomainError),
        ("settings", {"default_role": ["group-member"]}, DomainError),
    ],
)
def test_a_bad_value_is_refused_by_field(field, value, error):
    group = owned_group()

    with pytest.raises(error) as refused:
        services.create_group(actor=group.owner, **{"name": "x", field: value})
    with pytest.raises(error):
        services.update_group(actor=group.owner, group=group, **{field: value})

    assert getattr(refused.value, "field", field) == field
    assert Group.objects.count() == 1


def test_options_have_defaults_and_what_is_stored_wrongly_counts_for_nothing():
    group = GroupFactory(settings={"colour": "red", "invitation_days": 900})

    assert options_of(group) == Options()
    group.settings = {"members_may_invite": True, "invitation_days": 3}
    assert options_of(group) == Options(members_may_invite=True, invitation_days=3)


def test_the_version_counts_changes_and_an_old_one_is_stale():
    group = owned_group()
    owner = group.owner

    changed = services.update_group(actor=owner, group=group, version=1, name="Other")
    same = services.update_group(actor=owner, group=group, version=2, name="Other")
    with pytest.raises(StaleVersionError):
        services.update_group(actor=owner, group=group, version=1, name="Third")
    with pytest.raises(StaleVersionError):
        services.delete_group(actor=owner, group=group, version=1)

    assert (changed.version, same.version) == (2, 2)
    assert actions_of(group) == ["update"]


def test_only_who_may_change_a_group_does():
    group = owned_group()
    member = member_of(group).user
    admin = member_of(group, "group-admin", rank="admin").user

    with pytest.raises(NotAllowedError):
        services.update_group(actor=member, group=group, name="Mine")
    for refused in (services.archive_group, services.delete_group):
        with pytest.raises(NotAllowedError):
            refused(actor=admin, group=group)

    assert services.update_group(actor=admin, group=group, name="Ours").name == "Ours"


def test_nobody_makes_a_role_the_default_that_holds_more_than_they_do():
    group = owned_group()
    admin = member_of(group, "group-admin", rank="admin").user
    change = {"settings": {"default_role": "group-owner"}}

    with pytest.raises(NotAllowedError, match="do not hold"):
        services.update_group(actor=admin, group=group, **change)

    services.update_group(actor=group.owner, group=group, **change)
    RoleFactory(scope=RoleScope.GROUP, slug="reader", permissions=["items.view_item"])
    services.update_group(actor=admin, group=group, settings={"default_role": "reader"})


def test_there_are_no_fewer_places_than_members_who_have_not_expired():
    group = owned_group()
    member_of(group)
    member_of(group, expires_at=timezone.now() - timedelta(days=1))
    Group.objects.filter(pk=group.pk).update(member_count=3)  # as it was before one expired

    with pytest.raises(ConflictError, match="2 members"):
        services.update_group(actor=group.owner, group=group, max_members=1)

    assert services.update_group(actor=group.owner, group=group, max_members=2).member_count == 2


def test_an_archived_group_grants_its_members_nothing_and_its_owner_brings_it_back():
    group = owned_group()
    admin = member_of(group, "group-owner", rank="owner").user
    staff = staff_with("groups.delete_group")

    archived = services.archive_group(actor=admin, group=group)

    assert not anew(admin).has_perm("groups.view_group", archived)
    with pytest.raises(NotAllowedError):
        services.unarchive_group(actor=anew(admin), group=group)
    for actor in (group.owner, staff):
        services.unarchive_group(actor=actor, group=group)
        services.archive_group(actor=actor, group=group)
    services.unarchive_group(actor=staff, group=group)
    assert anew(admin).has_perm("groups.view_group", Group.objects.get(pk=group.pk))
    assert actions_of(group) == ["archive", *["unarchive", "archive"] * 2, "unarchive"]


def test_deleting_takes_the_items_along_and_restoring_brings_them_back():
    group = owned_group()
    ItemFactory.create_batch(2, owner=None, group=group)
    outsider, second = UserFactory(), member_of(group, "group-owner", rank="owner").user
    admin = member_of(group, "group-admin", rank="admin").user

    services.delete_group(actor=group.owner, group=group)

    assert not Item.objects.alive().exists()
    for actor in (outsider, admin):
        with pytest.raises(NotAllowedError):
            services.restore_group(actor=actor, group=group)
        assert not Group.objects.restorable_by(actor).exists()
    for actor in (group.owner, second, staff_with("groups.delete_group")):
        assert list(Group.objects.restorable_by(actor)) == [group]
    services.restore_group(actor=second, group=group)
    assert Item.objects.alive().count() == 2
    assert Membership.objects.in_force().filter(group=group).count() == 3
    assert actions_of(group) == ["delete", "restore"]


def test_a_group_whose_slug_is_taken_meanwhile_stays_deleted():
    group = owned_group(slug="crew")
    services.delete_group(actor=group.owner, group=group)
    services.create_group(actor=UserFactory(), name="Crew")

    with pytest.raises(ConflictError, match="place"):
        services.restore_group(actor=group.owner, group=group)


def test_a_restored_group_whose_owner_is_gone_has_another_one():
    group = owned_group()
    heir = member_of(group, "group-owner", rank="owner")
    lost = owned_group()
    root = UserFactory(is_superuser=True)
    for one in (group, lost):
        services.delete_group(actor=one.owner, group=one)
        one.owner.delete()

    restored = services.restore_group(actor=root, group=group)
    with pytest.raises(ConflictError, match="cannot be brought back"):
        services.restore_group(actor=root, group=lost)

    assert restored.owner == heir.user
    assert Group.objects.get(pk=lost.pk).is_deleted


def test_a_system_group_stays_as_it_is_called_and_where_it_is():
    group = owned_group(is_system=True)
    root = UserFactory(is_superuser=True)

    for actor in (group.owner, root):
        for refused in (services.archive_group, services.delete_group):
            with pytest.raises(NotAllowedError, match="system group"):
                refused(actor=actor, group=group)
        for change in ({"name": "Mine"}, {"slug": "mine"}, {"slug": ""}):
            with pytest.raises(NotAllowedError, match="keeps its name"):
                services.update_group(actor=actor, group=group, **change)

    assert services.update_group(actor=root, group=group, description="Ours").version == 2


def test_a_deleted_group_is_not_changed():
    group = owned_group()
    group.delete()

    for refused in (services.archive_group, services.delete_group, services.update_group):
        with pytest.raises(ConflictError, match="deleted"):
            refused(actor=group.owner, group=group)
    with pytest.raises(ConflictError, match="deleted"):
        leave_group(actor=group.owner, group=group)


def test_who_may_add_groups_everywhere_makes_one_for_somebody_else():
    owner = UserFactory()

    group = services.create_group(actor=staff_with("groups.add_group"), name="x", owner=owner)

    assert (group.owner, group.memberships.get().user) == (owner, owner)
    with pytest.raises(NotAllowedError, match="yourself only"):
        services.create_group(actor=UserFactory(), name="x", owner=owner)


def test_a_closed_account_makes_and_gets_no_group():
    root, closed, off = UserFactory(is_superuser=True), UserFactory(), UserFactory(is_active=False)
    closed.delete()

    for values in ({"actor": closed}, {"actor": root, "owner": closed}):
        with pytest.raises(ConflictError, match="closed"):
            services.create_group(name="x", **values)
    for values in ({"actor": off}, {"actor": root, "owner": off}):
        with pytest.raises(NotAllowedError):
            services.create_group(name="x", **values)


def test_a_members_list_has_one_rule_for_a_row_and_for_many():
    open_group, discreet = owned_group(), owned_group(settings={"members_see_members": False})
    archived = owned_group(is_active=False)
    viewers = [
        open_group.owner,
        discreet.owner,
        archived.owner,
        staff_with("groups.view_membership"),
    ]
    for group in (open_group, discreet, archived):
        viewers += [
            member_of(group).user,
            member_of(group, "group-viewer", rank="admin").user,
            member_of(group, "group-admin").user,
            member_of(group, expires_at=timezone.now() - timedelta(days=1)).user,
            member_of(group, expires_at=timezone.now() + timedelta(days=1)).user,
            MembershipFactory(group=group).user,
        ]
        for status in ("requested", "invited", "left", "banned"):
            viewers.append(member_of(group, status=status).user)

    for user in map(anew, viewers):
        for permission in ("groups.view_membership", "groups.change_membership"):
            seen = set(Membership.objects.visible_to(user, permission))
            rows = Membership.objects.select_related("group")
            assert seen == {row for row in rows if user.has_perm(permission, row)}
