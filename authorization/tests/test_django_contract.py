"""What Django promises of permissions, of users without its groups and user permissions.

After Django 5.2's own ``auth_tests``: ``BaseBackendTest``, ``BaseModelBackendTest``,
``RowlevelBackendTest``, ``AnonymousUserBackendTest``, ``NoBackendsTest``,
``InActiveUserBackendTest``, ``PermissionDeniedBackendTest`` and ``UserWithPermTestCase``. Theirs
that do not apply, and why:

- permissions given to a user or to an ``auth.Group``: neither is there, roles are;
- ``get_user_permissions()`` and ``get_group_permissions()`` apart: all come from roles, which are
  what Django calls groups; only superusers have theirs as users;
- an object makes ``ModelBackend`` answer no: here objects grant by themselves, and what is held
  everywhere is held on each object;
- users without ``is_active`` or with relations of their own (``CustomUser``, ``ExtensionUser``),
  and ``AllowAllUsersModelBackend``: there is one user model and one backend;
- changed backend sessions, hashers and sensitive variables: the sessions and passwords of this
  project are tested with ``users`` and ``authentication``.
"""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.exceptions import ImproperlyConfigured, PermissionDenied

from authorization.backends import RoleBackend
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

VIEW, CHANGE = "users.view_user", "users.change_user"
MULTIPLE = "You have multiple authentication backends configured"
HERE = "authorization.tests.test_django_contract"


class Simple:
    """A backend of another kind, without roles."""

    def get_user_permissions(self, user_obj, obj=None):
        return ["app.of_user"]

    def get_group_permissions(self, user_obj, obj=None):
        return ["app.of_group"]

    def get_all_permissions(self, user_obj, obj=None):
        return ["app.of_user", "app.of_group"]

    def has_perm(self, user_obj, perm, obj=None):
        return perm in self.get_all_permissions(user_obj)

    def has_module_perms(self, user_obj, app_label):
        return app_label == "app"

    async def ahas_perm(self, user_obj, perm, obj=None):
        return self.has_perm(user_obj, perm)

    async def aget_all_permissions(self, user_obj, obj=None):
        return self.get_all_permissions(user_obj)


class Refusing(Simple):
    """One that has the last word, which is no."""

    def has_perm(self, user_obj, perm, obj=None):
        raise PermissionDenied

    def has_module_perms(self, user_obj, app_label):
        raise PermissionDenied

    async def ahas_perm(self, user_obj, perm, obj=None):
        raise PermissionDenied

    async def ahas_module_perms(self, user_obj, app_label):
        raise PermissionDenied


class FindsNobody:
    """One that cannot say who holds a permission."""


def fresh(user):
    return User.objects.get(pk=user.pk)


@pytest.fixture
def holder():
    return fresh(RoleAssignmentFactory(role__permissions=[VIEW, CHANGE]).user)


def test_who_holds_permissions_by_a_role(holder):
    assert holder.get_all_permissions() == holder.get_group_permissions() == {VIEW, CHANGE}
    assert holder.get_user_permissions() == set()
    assert holder.has_perm(VIEW)
    assert not holder.has_perm("view_user")
    assert not holder.has_perm("users.delete_user")
    assert holder.has_perms([VIEW, CHANGE])
    assert holder.has_perms(iter([VIEW, CHANGE]))
    assert holder.has_perms([])
    assert not holder.has_perms([VIEW, "users.delete_user"])
    assert holder.has_module_perms("users")
    assert not holder.has_module_perms("user")
    assert not holder.has_module_perms("groups")


def test_roles_together_grant_what_each_holds():
    first = RoleAssignmentFactory(role__permissions=[VIEW])
    RoleAssignmentFactory(user=first.user, role__permissions=[CHANGE, VIEW])

    assert fresh(first.user).get_all_permissions() == {VIEW, CHANGE}


@pytest.mark.parametrize("given", ["users.view_user", object(), None])
def test_has_perms_takes_several_and_never_one(holder, given):
    with pytest.raises(ValueError, match="perm_list must be an iterable of permissions"):
        holder.has_perms(given)
    with pytest.raises(ValueError, match="perm_list must be an iterable of permissions"):
        async_to_sync(holder.ahas_perms)(given)


def test_a_superuser_holds_every_permission_while_the_account_may_be_used():
    user = UserFactory(is_staff=True)
    assert not user.has_perm("auth.test")
    user.is_superuser = True
    assert user.has_perm("auth.test")
    assert user.has_perm("auth.test", object())
    assert user.has_module_perms("anything")
    assert len(user.get_all_permissions()) == Permission.objects.count()
    assert user.get_user_permissions() == user.get_group_permissions() == user.get_all_permissions()

    for blocked in ({"is_active": False}, {"is_deleted": True}):
        user = UserFactory.build(is_superuser=True, is_staff=True, **blocked)
        assert not user.has_perm("auth.test")
        assert not user.has_module_perms("auth")
        assert user.get_all_permissions() == user.get_user_permissions() == set()


def test_a_user_who_is_switched_off_in_the_same_request_holds_nothing_more(holder):
    assert holder.has_perm(VIEW)

    holder.is_active = False

    assert not holder.has_perm(VIEW)
    assert not holder.has_module_perms("users")
    assert holder.get_all_permissions() == holder.get_group_permissions() == set()
    holder.is_active = True
    assert holder.has_perm(VIEW)


def test_what_was_asked_of_a_blocked_account_is_not_what_waking_up_would_give(holder):
    holder.is_active = False
    assert not holder.has_perm(VIEW)

    holder.is_active = True

    assert holder.has_perm(VIEW)


def test_nobody_in_particular_may_do_nothing():
    nobody, backend = AnonymousUser(), RoleBackend()
    group = GroupFactory(is_public=True)

    assert not nobody.has_perm(VIEW)
    assert not nobody.has_perm("groups.view_group", group)
    assert not nobody.has_perms([VIEW, CHANGE])
    assert not nobody.has_module_perms("users")
    assert backend.get_all_permissions(nobody) == backend.get_user_permissions(nobody) == set()
    assert nobody.get_all_permissions() == nobody.get_group_permissions() == set()
    assert not async_to_sync(nobody.ahas_perm)(VIEW)
    assert async_to_sync(nobody.aget_all_permissions)() == set()


def test_an_object_adds_what_it_grants_to_what_is_held_everywhere(holder):
    membership = MembershipFactory(user=holder, role__permissions=["items.view_item"])
    ItemFactory(owner=None, group=membership.group)
    item, user = Item.objects.select_related("group").get(), fresh(holder)

    assert user.get_all_permissions(item) == {VIEW, CHANGE, "items.view_item"}
    assert user.get_group_permissions(item) == user.get_all_permissions(item)
    assert user.get_user_permissions(item) == set()
    assert user.has_perm("items.view_item", item)
    assert not user.has_perm("items.view_item")
    assert user.has_perm(VIEW, object())
    owned = user.get_all_permissions(ItemFactory(owner=user))
    assert len(owned) == Permission.objects.count()


def test_the_async_forms_answer_the_same(holder):
    group = GroupFactory(owner=holder)
    for user in (holder, UserFactory(is_superuser=True), UserFactory(is_active=False)):
        for obj in (None, group):
            assert async_to_sync(user.aget_all_permissions)(obj) == user.get_all_permissions(obj)
            assert async_to_sync(user.aget_user_permissions)(obj) == user.get_user_permissions(obj)
            assert async_to_sync(user.aget_group_permissions)(obj) == (
                user.get_group_permissions(obj)
            )
            for label in (VIEW, "groups.change_group"):
                assert async_to_sync(user.ahas_perm)(label, obj) == user.has_perm(label, obj)
            pair = [VIEW, "groups.change_group"]
            assert async_to_sync(user.ahas_perms)(pair, obj) == user.has_perms(pair, obj)
        for app in ("users", "groups"):
            assert async_to_sync(user.ahas_module_perms)(app) == user.has_module_perms(app)
    ann = User.objects.create_user("ann", "ann@example.org", "correct horse battery staple")
    found = async_to_sync(aauthenticate)(
        None, email="ANN@example.org", password="correct horse battery staple"
    )
    assert found == ann


def test_several_backends_are_all_asked(holder, settings):
    settings.AUTHENTICATION_BACKENDS = [
        f"{HERE}.FindsNobody", f"{HERE}.Simple", "authorization.backends.RoleBackend",
    ]  # fmt: skip

    assert holder.get_user_permissions() == {"app.of_user"}
    assert holder.get_group_permissions() == {"app.of_group", VIEW, CHANGE}
    assert holder.get_all_permissions() == {"app.of_user", "app.of_group", VIEW, CHANGE}
    assert async_to_sync(holder.aget_all_permissions)() == holder.get_all_permissions()
    assert holder.has_perms(["app.of_user", VIEW])
    assert holder.has_module_perms("app")
    assert holder.has_module_perms("users")
    assert not holder.has_perm("users.delete_user")


def test_a_backend_that_refuses_ends_the_asking(holder, settings):
    role_backend = "authorization.backends.RoleBackend"
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Refusing", role_backend]
    assert not holder.has_perm(VIEW)
    assert not holder.has_module_perms("users")
    assert not async_to_sync(holder.ahas_perm)(VIEW)
    assert not async_to_sync(holder.ahas_module_perms)("users")

    settings.AUTHENTICATION_BACKENDS = [role_backend, f"{HERE}.Refusing"]
    assert holder.has_perm(VIEW)
    assert async_to_sync(holder.ahas_perm)(VIEW)


def test_without_a_backend_nothing_is_answered(holder, settings):
    settings.AUTHENTICATION_BACKENDS = []

    with pytest.raises(ImproperlyConfigured, match="No authentication backends"):
        holder.has_perm(VIEW)


# --- Who holds it ---------------------------------------------------------------------------


def names(users):
    return sorted(user.username for user in users)


@pytest.fixture
def people():
    """Two roles that hold it, and of users one each that matters."""
    role = RoleFactory(permissions=[VIEW])
    both = RoleAssignmentFactory(role=role, user__username="both").user
    RoleAssignmentFactory(user=both, role__permissions=[VIEW])
    RoleAssignmentFactory(role=role, user__username="off", user__is_active=False)
    RoleAssignmentFactory(role=role, user__username="gone").user.delete()
    RoleAssignmentFactory(user__username="other", role__permissions=[CHANGE])
    UserFactory(username="root", is_superuser=True)
    UserFactory(username="root_off", is_superuser=True, is_active=False)


def test_with_perm_by_all_its_arguments(people):
    permission = Permission.objects.get(codename="view_user")
    expected = {
        (True, True): ["both", "root"],
        (True, False): ["both"],
        (False, True): ["off", "root_off"],
        (False, False): ["off"],
        (None, True): ["both", "off", "root", "root_off"],
        (None, False): ["both", "off"],
    }
    for asked in (VIEW, permission):
        assert names(User.objects.with_perm(asked)) == ["both", "root"]
        for (is_active, superusers), found in expected.items():
            users = User.objects.with_perm(
                asked, is_active=is_active, include_superusers=superusers
            )
            assert names(users) == found
    assert names(User.objects.with_perm("users.nothing")) == ["root"]
    assert names(User.objects.with_perm("users.nothing", include_superusers=False)) == []


def test_with_perm_of_an_object_adds_whom_it_grants_it(people):
    item = ItemFactory(owner=UserFactory(username="owner"))

    assert names(User.objects.with_perm("items.view_item", obj=item)) == ["owner", "root"]
    assert names(User.objects.with_perm(VIEW, obj=UserFactory())) == ["both", "root"]


@pytest.mark.parametrize("perm", ["", "view_user", "users.view.user", "users.view_user."])
def test_with_perm_refuses_a_string_that_names_none(perm):
    with pytest.raises(ValueError, match="Permission name should be in the form app_label"):
        User.objects.with_perm(perm)


@pytest.mark.parametrize("perm", [None, 1, object, [VIEW], b"users.view_user"])
def test_with_perm_refuses_what_is_no_permission(perm):
    with pytest.raises(TypeError, match="must be a string or a permission instance"):
        User.objects.with_perm(perm)


def test_with_perm_asks_the_backend_that_is_named(people, settings):
    ours = "authorization.backends.RoleBackend"
    settings.AUTHENTICATION_BACKENDS = [ours, f"{HERE}.FindsNobody"]

    assert names(User.objects.with_perm(VIEW, backend=ours)) == ["both", "root"]
    assert list(User.objects.with_perm(VIEW, backend=f"{HERE}.FindsNobody")) == []
    with pytest.raises(ValueError, match=MULTIPLE):
        User.objects.with_perm(VIEW)
    with pytest.raises(TypeError, match="backend must be a dotted import path string"):
        User.objects.with_perm(VIEW, backend=RoleBackend())
    with pytest.raises(ImportError, match="doesn't look like a module path"):
        User.objects.with_perm(VIEW, backend="invalid")
