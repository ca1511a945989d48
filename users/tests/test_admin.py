"""Users, devices and sessions in the admin: who may change whom."""

import pytest
from django.urls import reverse
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from users.models import Device, User
from users.tests.factories import DeviceFactory, UserFactory

pytestmark = pytest.mark.django_db

FRONT_DESK = ["users.view_user", "users.add_user", "users.change_user", "users.delete_user"]
CHANGELIST = "/admin/users/user/"


def make_staff(*permissions, **fields):
    user = UserFactory(is_staff=True, **fields)
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    return user


@pytest.fixture
def clerk(client):
    user = make_staff(*FRONT_DESK, username="clerk")
    client.force_login(user)
    return user


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def page(user, name="change"):
    return reverse(f"admin:users_user_{name}", args=[user.pk])


def filled(user, **changes):
    """What the form of ``user`` would send."""
    values = {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "avatar_url": user.avatar_url,
        "bio": user.bio,
        "locale": user.locale,
        "timezone": user.timezone,
        "role_assignments-TOTAL_FORMS": 0,
        "role_assignments-INITIAL_FORMS": 0,
    }
    values |= {f: "on" for f in ("is_active", "is_staff", "is_superuser") if getattr(user, f)}
    return {name: value for name, value in (values | changes).items() if value is not None}


def act(client, action, *users, query=""):
    data = {"action": action, "_selected_action": [str(user.pk) for user in users]}
    return client.post(CHANGELIST + query, data, follow=True)


# --- Adding and changing --------------------------------------------------------------------


def test_adding_a_user_sets_no_password_and_is_recorded(client, clerk):
    form = client.get("/admin/users/user/add/").content.decode()
    response = client.post("/admin/users/user/add/", filled(User(username="new", email="n@x.org")))

    assert response.status_code == 302
    user = User.objects.get(username="new")
    assert not user.has_usable_password()
    assert 'type="password"' not in form
    event = AuditEvent.objects.get(model="user", object_id=str(user.pk))
    assert (event.action, event.actor_id, event.via) == ("create", clerk.pk, "admin")


def test_a_change_is_recorded_with_the_values_before_and_after(client, clerk):
    user = UserFactory(first_name="Ana")

    client.post(page(user), filled(user, first_name="Anna"))

    event = AuditEvent.objects.get(action="update", object_id=str(user.pk))
    assert event.changes == {"first_name": ["Ana", "Anna"]}


def test_a_taken_username_is_an_error_at_the_form_whatever_its_case(client, clerk):
    UserFactory(username="anna")
    gone = UserFactory(username="gone")
    gone.delete()

    taken = client.post("/admin/users/user/add/", filled(User(username="ANNA", email="a@x.org")))
    free = client.post("/admin/users/user/add/", filled(User(username="gone", email="g@x.org")))

    assert taken.status_code == 200
    assert "already exists" in taken.content.decode()
    assert free.status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("avatar_url", "javascript:alert(1)"),
        ("avatar_url", "ftp://example.org/a.png"),
        ("locale", "not a tag"),
        ("timezone", "Mars/Olympus"),
        ("email", "nobody"),
        ("username", "a b"),
        ("username", "x" * 151),
        ("first_name", "a\0b"),
    ],
)
def test_a_bad_value_is_an_error_at_its_field(client, clerk, field, value):
    user = UserFactory()

    response = client.post(page(user), filled(user, **{field: value}))

    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors


# --- Privileges -----------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["is_staff", "is_superuser"])
@pytest.mark.parametrize("whose", ["own", "another's"])
def test_staff_cannot_make_anybody_staff_or_superuser(client, clerk, mark, whose):
    user = clerk if whose == "own" else UserFactory()
    before = getattr(user, mark)

    client.post(page(user), filled(user, first_name="Seen", **{mark: "on"}))

    user.refresh_from_db()
    assert user.first_name == "Seen"
    assert getattr(user, mark) == before


@pytest.mark.parametrize("mark", ["is_staff", "is_superuser"])
def test_staff_cannot_add_a_user_who_is_staff_or_superuser(client, clerk, mark):
    new = User(username="new", email="n@x.org")

    client.post("/admin/users/user/add/", filled(new, **{mark: "on"}))

    assert getattr(User.objects.get(username="new"), mark) is False


def test_a_superuser_can_make_somebody_staff(client, root):
    user = UserFactory()

    client.post(page(user), filled(user, is_staff="on"))

    user.refresh_from_db()
    assert user.is_staff


def test_nobody_takes_their_own_access_away_by_a_slip(client, root):
    client.post(page(root), filled(root, is_active=None, is_staff=None, is_superuser=None))
    delete = client.post(page(root, "delete"), {"post": "yes"})

    root.refresh_from_db()
    assert (root.is_active, root.is_staff, root.is_superuser) == (True, True, True)
    assert delete.status_code == 403


def stronger_people():
    boss = UserFactory(is_superuser=True)
    administrator = make_staff("users.view_user", "items.delete_item")
    asleep = make_staff("users.view_user", "items.delete_item", is_active=False)
    return [boss, administrator, asleep]


def test_staff_cannot_change_whoever_holds_more_than_they_do_awake_or_not(client, clerk):
    """A new e-mail address is one password reset away from the whole account."""
    for user in stronger_people():
        before = user.email

        seen = client.get(page(user))
        answer = client.post(page(user), filled(user, email="mine@example.org"))

        user.refresh_from_db()
        assert seen.status_code == 200
        assert answer.status_code == 403
        assert user.email == before


def test_staff_cannot_delete_whoever_holds_more_than_they_do(client, clerk):
    people = stronger_people()
    weaker = UserFactory()

    for user in people:
        assert client.post(page(user, "delete"), {"post": "yes"}).status_code == 403
    confirmation = act(client, "delete_selected", weaker, *people)
    data = {"action": "delete_selected", "_selected_action": [people[0].pk], "post": "yes"}
    forced = client.post(CHANGELIST, data)

    assert "may not delete" in confirmation.content.decode()
    assert forced.status_code == 403
    assert not User.objects.deleted().exists()


def test_staff_cannot_restore_whoever_holds_more_than_they_do(client, clerk):
    for user in stronger_people():
        user.delete()

        act(client, "restore_selected", user, query="?state=deleted")
        answer = client.post(page(user, "restore"))

        user.refresh_from_db()
        assert answer.status_code == 403
        assert user.is_deleted


@pytest.mark.parametrize("permission", ["users.view_user"])
def test_who_may_only_look_gets_no_form_and_no_action(client, permission):
    client.force_login(make_staff(permission))
    user = UserFactory()

    body = client.get(page(user)).content.decode()

    assert 'name="username"' not in body
    assert client.post(page(user), filled(user, first_name="X")).status_code == 403
    for action in ("mark_verified", "delete_selected", "restore_selected"):
        act(client, action, user, query="?state=all")
    user.refresh_from_db()
    assert (user.first_name, user.is_verified, user.is_deleted) == ("", False, False)


# --- Identity checks ------------------------------------------------------------------------


def test_marking_an_identity_as_verified_names_who_checked(client, clerk):
    first, second = UserFactory(), UserFactory()

    act(client, "mark_verified", first, second)

    first.refresh_from_db()
    assert (first.is_verified, first.verified_by) == (True, clerk)
    assert first.verified_at is not None
    events = AuditEvent.objects.filter(action="verify")
    assert {event.object_id for event in events} == {str(first.pk), str(second.pk)}
    assert events[0].changes["verified_by"] == [None, str(clerk.pk)]


def test_nobody_verifies_their_own_identity(client, clerk):
    act(client, "mark_verified", clerk)

    clerk.refresh_from_db()
    assert not clerk.is_verified


def test_the_identity_check_cannot_be_typed_in(client, clerk):
    user = UserFactory()

    client.post(page(user), filled(user, is_verified="on", verified_by=str(clerk.pk)))

    user.refresh_from_db()
    assert (user.is_verified, user.verified_by) == (False, None)


def test_withdrawing_an_identity_check_leaves_no_trace_of_one(client, clerk):
    user = UserFactory(is_verified=True, verified_at=timezone.now(), verified_by=clerk)

    act(client, "withdraw_verification", user)

    user.refresh_from_db()
    assert (user.is_verified, user.verified_at, user.verified_by) == (False, None, None)


# --- Soft delete ----------------------------------------------------------------------------


def test_lists_show_live_rows_unless_asked(client, clerk):
    kept, gone = UserFactory(), UserFactory()
    gone.delete()

    def shown(query):
        return {user.pk for user in client.get(CHANGELIST + query).context["cl"].result_list}

    assert gone.pk not in shown("")
    assert shown("?state=deleted") == {gone.pk}
    assert {kept.pk, gone.pk} <= shown("?state=all")


def test_a_deleted_user_is_shown_read_only_and_can_be_restored(client, clerk):
    user = UserFactory()
    user.delete()

    body = client.get(page(user)).content.decode()
    refused = client.post(page(user), filled(user, first_name="X"))
    restored = client.post(page(user, "restore"), follow=True)

    user.refresh_from_db()
    assert "Restore" in body
    assert 'name="username"' not in body
    assert refused.status_code == 403
    assert "Restored: 1 user" in restored.content.decode()
    assert not user.is_deleted


def test_restoring_over_a_live_twin_is_a_message(client, clerk):
    gone = UserFactory(username="anna")
    gone.delete()
    UserFactory(username="anna", email="other@example.org")

    for response in (
        client.post(page(gone, "restore"), follow=True),
        act(client, "restore_selected", gone, query="?state=deleted"),
    ):
        assert response.status_code == 200
        assert "has taken the place" in response.content.decode()
    gone.refresh_from_db()
    assert gone.is_deleted


def test_a_restore_is_never_a_get(client, clerk):
    user = UserFactory()
    user.delete()

    assert client.get(page(user, "restore")).status_code == 405


# --- Devices --------------------------------------------------------------------------------


def test_ending_the_trust_of_a_device_forgets_its_secret(client, root):
    device = DeviceFactory(trusted_until=timezone.now(), trust_secret_hash="0" * 64)
    data = {"action": "end_trust", "_selected_action": [str(device.pk)]}

    client.post("/admin/users/device/", data)

    device.refresh_from_db()
    assert (device.trusted_until, device.trust_secret_hash) == (None, "")
    assert AuditEvent.objects.get(model="device").action == "end_trust"
    assert Device.objects.count() == 1
