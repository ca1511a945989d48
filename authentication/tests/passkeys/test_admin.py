"""Passkeys in the admin: to look at, and to remove one that is lost."""

import pytest
from django.core import mail

from authentication.models import BackupCodeDevice
from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import to_text
from authentication.tests.passkeys.callers import add_passkey
from authentication.tests.people import make_user
from core.models import AuditEvent
from users.models import UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSKEYS = "/admin/django_otp_webauthn/webauthncredential/"


@pytest.fixture
def root(client):
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def test_no_page_shows_key_material(client, root, user, key):
    passkey = Passkey.objects.get()

    body = client.get(f"{PASSKEYS}{passkey.pk}/change/").content.decode()
    body += client.get(PASSKEYS).content.decode()

    assert "Laptop" in body
    secrets = [
        bytes(passkey.public_key).hex(),
        passkey.credential_id_sha256,
        to_text(key.credential_id),
    ]
    assert not [secret for secret in secrets if secret in body]


def test_nobody_adds_or_changes_a_passkey(client, root, user, key):
    passkey = Passkey.objects.get()

    assert client.get(PASSKEYS + "add/").status_code == 403
    assert client.post(f"{PASSKEYS}{passkey.pk}/change/", {"name": "x"}).status_code == 403
    assert Passkey.objects.get().name == "Laptop"


def test_a_lost_passkey_is_removed_as_its_owner_would(
    client, root, caller, user, key, django_capture_on_commit_callbacks
):
    caller.sign_in(user, key)
    passkey = Passkey.objects.get()

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{PASSKEYS}{passkey.pk}/delete/", {"post": "yes"})

    assert not Passkey.objects.exists()
    assert not BackupCodeDevice.objects.exists()
    assert not UserSession.objects.filter(verified_factor=passkey.persistent_id).exists()
    event = AuditEvent.objects.get(model="webauthncredential", action="delete")
    assert (event.actor_id, event.object_label) == (root.pk, "Laptop")
    assert [message.to for message in mail.outbox if message.to == [user.email]]


def test_the_list_takes_the_same_number_of_queries_however_long(
    client, root, user, key, django_assert_num_queries
):
    for _number in range(3):
        add_passkey(make_user())

    # 1. the session with its user  2. the bounded count  3. the rows with their owners
    with django_assert_num_queries(3):
        response = client.get(PASSKEYS)

    assert len(response.context["cl"].result_list) == 4


def test_passkeys_are_found_by_their_owner(client, root, user, key):
    add_passkey(make_user(username="zoe"))

    found = client.get(PASSKEYS, {"q": "ann"})

    assert [passkey.user for passkey in found.context["cl"].result_list] == [user]
