import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from authentication.models import TOTPDevice
from core.encryption import decrypt, encrypt
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
