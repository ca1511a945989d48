import json

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from authentication.models import TOTPDevice
from core import encryption
from core.encryption import (
    EncryptedColumn,
    decrypt,
    encrypt,
    encrypted_columns,
    key_names,
    position_of_key,
    register,
    values_within,
)
from users.tests.factories import UserFactory

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_an_old_key_still_opens_after_a_new_one_was_put_first(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt(b"secret")

    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert decrypt(token) == b"secret"


def test_a_lost_key_is_a_clear_error(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt(b"secret")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(ImproperlyConfigured, match="put the old key back"):
        decrypt(token)


@pytest.mark.django_db
def test_an_encrypted_column_reads_back_and_stores_no_clear_text():
    device = TOTPDevice.objects.create(user=UserFactory(), name="phone")

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM totp_devices")
        (stored,) = cursor.fetchone()

    assert TOTPDevice.objects.get().secret == device.secret
    assert device.secret not in stored


def test_the_position_of_the_key_that_opens_a_value(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt(b"secret")

    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert position_of_key(token) == 1
    assert position_of_key(encrypt(b"secret")) == 0
    assert position_of_key("gAAAAno") is None


def test_the_name_of_a_key_tells_nothing_about_it(settings):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    names = key_names()

    assert len(set(names)) == 2
    assert all(len(name) == 8 and name not in NEW + OLD for name in names)


def test_encrypted_values_are_found_within_a_text():
    values = [encrypt(b""), encrypt(b"a longer text" * 20)]
    text = json.dumps({"args": [values[0], {"x": values[1]}], "y": "gAAAA is no value"})

    assert values_within(text) == values


def test_a_column_may_be_registered_more_than_once(monkeypatch):
    monkeypatch.setattr(encryption, "_registered", {})
    column = EncryptedColumn(TOTPDevice, "name")

    register(column)
    register(column)

    assert [one.label for one in encrypted_columns()].count("authentication.TOTPDevice.name") == 1
