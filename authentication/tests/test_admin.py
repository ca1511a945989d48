"""Second factors, reset tokens and access tokens in the admin."""

import pytest
from django.utils import timezone

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from authentication.secrets import hash_api_token
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

TOKENS = "/admin/authentication/apitoken/"
RESETS = "/admin/authentication/passwordresettoken/"
APPS = "/admin/authentication/totpdevice/"


def make_staff(*permissions):
    user = UserFactory(is_staff=True)
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    return user


@pytest.fixture
def root(client):
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def clerk(client):
    user = make_staff(
        "authentication.add_apitoken",
        "authentication.view_apitoken",
        "authentication.change_apitoken",
        "authentication.view_totpdevice",
        "authentication.delete_totpdevice",
        "users.view_user",
    )
    client.force_login(user)
    return user


def make_reset_token(**fields):
    fields = {"email": "x@example.org", "token_hash": "0" * 64} | fields
    hour = timezone.timedelta(hours=1)
    return PasswordResetToken.objects.create(
        user=UserFactory(), expires_at=timezone.now() + hour, **fields
    )


def shown_token(response):
    return response.content.decode().split('<code class="tl-secret">')[1].split("</code>")[0]


def test_a_new_token_is_shown_once_and_works(client, root, api):
    owner = UserFactory()

    saved = client.post(
        TOKENS + "add/", {"user": str(owner.pk), "name": "Export", "scopes": ""}, follow=True
    )

    secret = shown_token(saved)
    assert secret not in client.get(TOKENS).content.decode()
    token = APIToken.objects.get()
    assert token.token_hash == hash_api_token(secret)
    assert AuditEvent.objects.get(model="apitoken").action == "create"
    assert secret not in str(AuditEvent.objects.get(model="apitoken").changes)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert api.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", "items.fly_item"),
        ("scopes", "items.view_item\nnonsense"),
        ("name", ""),
        ("name", "x" * 101),
        ("user", "nobody"),
        ("expires_at", "2001-01-01"),
    ],
)
def test_a_bad_token_form_is_an_error_at_its_field(client, root, field, value):
    form = {"user": str(UserFactory().pk), "name": "Export", "scopes": "items.view_item"}
    if field == "expires_at":
        form |= {"expires_at_0": value, "expires_at_1": "00:00"}
    else:
        form[field] = value

    response = client.post(TOKENS + "add/", form)

    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert not APIToken.objects.exists()


def test_staff_cannot_make_a_token_for_whoever_holds_more_than_they_do(client, clerk):
    boss = UserFactory(is_superuser=True)

    response = client.post(TOKENS + "add/", {"user": str(boss.pk), "name": "Mine", "scopes": ""})

    assert "user" in response.context["adminform"].form.errors
    assert not APIToken.objects.exists()


def test_a_token_for_a_deleted_user_is_refused(client, root):
    owner = UserFactory()
    owner.delete()

    client.post(TOKENS + "add/", {"user": str(owner.pk), "name": "Export", "scopes": ""})

    assert not APIToken.objects.exists()


def test_a_token_is_neither_changed_nor_deleted_but_revoked(client, root):
    token = APIToken.objects.create(
        user=UserFactory(), name="Export", prefix="tl_pat_abcd", token_hash="0" * 64
    )

    changed = client.post(f"{TOKENS}{token.pk}/change/", {"name": "Other"})
    deleted = client.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"})
    client.post(TOKENS, {"action": "revoke", "_selected_action": [str(token.pk)]})

    token.refresh_from_db()
    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert token.name == "Export"
    assert token.revoked_at is not None
    assert AuditEvent.objects.get(model="apitoken").action == "revoke"


def test_revoking_a_reset_token_says_why_and_leaves_spent_ones_alone(client, root):
    waiting, spent = make_reset_token(), make_reset_token(token_hash="1" * 64)
    PasswordResetToken.objects.filter(pk=spent.pk).update(used_at=timezone.now())

    client.post(RESETS, {"action": "revoke", "_selected_action": [waiting.pk, spent.pk]})

    waiting.refresh_from_db()
    spent.refresh_from_db()
    assert waiting.revoked_at is not None
    assert waiting.revocation_reason == "Revoked by staff."
    assert spent.revoked_at is None
    assert AuditEvent.objects.filter(model="passwordresettoken").count() == 1


def test_a_lost_second_factor_can_be_removed_and_that_is_recorded(client, clerk):
    device = TOTPDevice.objects.create(user=UserFactory(), name="Lost phone")

    client.post(f"{APPS}{device.pk}/delete/", {"post": "yes"})

    assert not TOTPDevice.objects.exists()
    event = AuditEvent.objects.get(model="totpdevice")
    assert (event.action, event.object_label, event.actor_id) == ("delete", "Lost phone", clerk.pk)


def test_the_second_factor_of_whoever_holds_more_stays(client, clerk):
    device = TOTPDevice.objects.create(user=UserFactory(is_superuser=True), name="Phone")

    one = client.post(f"{APPS}{device.pk}/delete/", {"post": "yes"})
    bulk = client.post(
        APPS, {"action": "delete_selected", "_selected_action": [device.pk], "post": "yes"}
    )

    assert (one.status_code, bulk.status_code) == (403, 403)
    assert TOTPDevice.objects.exists()


def test_nobody_adds_or_confirms_a_second_factor_for_somebody_else(client, root):
    device = TOTPDevice.objects.create(user=UserFactory(), name="Phone", confirmed=False)

    assert client.get(APPS + "add/").status_code == 403
    assert client.post(f"{APPS}{device.pk}/change/", {"confirmed": "on"}).status_code == 403
    device.refresh_from_db()
    assert not device.confirmed


def test_backup_codes_are_counted_and_never_shown(client, root):
    device = BackupCodeDevice(user=UserFactory(), name="Backup codes")
    device.save()
    codes = device.replace_codes()
    device.verify_token(codes[0])

    body = client.get(
        f"/admin/authentication/backupcodedevice/{device.pk}/change/"
    ).content.decode()

    assert "9 of 10" in body
    assert not [code for code in codes if code in body]
    assert device.salt not in body
    assert device.codes[1]["hash"] not in body
