from datetime import timedelta
from hashlib import pbkdf2_hmac
from importlib.util import find_spec, module_from_spec

import pytest
from django.utils import timezone
from django_otp import devices_for_user, verify_token

from authentication import secrets
from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.tests.codes import code_of
from core.tests.parallel import at_once
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def app():
    return TOTPDevice.objects.create(user=UserFactory(username="ann"), name="phone")


@pytest.fixture
def backup():
    """A device and its ten codes in clear."""
    device = BackupCodeDevice(user=UserFactory(), name="Backup codes")
    return device, device.replace_codes()


def check(device, code):
    return verify_token(device.user, device.persistent_id, code) is not None


def forget_throttling():
    for model in (TOTPDevice, BackupCodeDevice):
        model.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(hours=1))


def test_the_code_of_this_step_is_accepted_once(app):
    code = code_of(app)

    assert check(app, code)
    assert not check(app, code)


@pytest.mark.parametrize("steps", [-1, 1, 2])
def test_the_code_of_another_step_is_refused(app, steps):
    assert not check(app, code_of(app, steps=steps))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", " 12345", "-12345"])
def test_what_is_not_six_ascii_digits_is_refused_and_counted(app, code):
    assert not check(app, code)

    app.refresh_from_db()
    assert app.throttling_failure_count == 1


def test_after_a_wrong_code_the_right_one_has_to_wait(app):
    check(app, "000000" if code_of(app) != "000000" else "000001")

    assert not check(app, code_of(app))
    forget_throttling()
    assert check(app, code_of(app))


def test_the_config_url_is_what_authenticator_apps_read(app):
    assert app.config_url == (f"otpauth://totp/TruLedgr%3Aann?secret={app.secret}&issuer=TruLedgr")


def test_each_backup_code_is_accepted_once(backup):
    device, codes = backup

    assert len(set(codes)) == 10
    assert all(check(device, code) for code in codes)
    assert not check(device, codes[0])
    device.refresh_from_db()
    assert device.unused == 0


def test_case_spaces_and_hyphens_do_not_matter(backup):
    device, codes = backup

    assert check(device, f" {codes[0].upper().replace('-', ' ')} ")


def test_new_codes_end_the_old_ones(backup):
    device, old = backup

    device.replace_codes()

    assert not check(device, old[0])


def test_codes_are_stored_only_as_salted_hashes(backup):
    device, codes = backup
    stored = str(BackupCodeDevice.objects.values().get())

    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert secrets.hash_backup_code(codes[0], salt="00") != device.codes[0]["hash"]


def test_guessing_a_code_from_its_hash_costs_20_000_rounds():
    spec = find_spec("authentication.secrets")
    as_shipped = module_from_spec(spec)
    spec.loader.exec_module(as_shipped)

    made = as_shipped.hash_backup_code("k2f7-q3ma-77xd-o5ze", salt="00ff")

    assert made == pbkdf2_hmac("sha256", b"k2f7q3ma77xdo5ze", b"\0\xff", 20_000).hex()


def test_django_otp_finds_both_kinds(backup):
    device, _codes = backup
    TOTPDevice.objects.create(user=device.user, name="phone", confirmed=False)

    assert [type(found) for found in devices_for_user(device.user)] == [BackupCodeDevice]
    assert len(list(devices_for_user(device.user, confirmed=None))) == 2


@pytest.mark.django_db(transaction=True)
def test_a_backup_code_used_by_many_at_once_succeeds_once(backup):
    device, codes = backup

    assert sum(at_once(*[lambda: check(device, codes[0])] * 12)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_time_step_used_by_many_at_once_succeeds_once(app):
    code = code_of(app)

    assert sum(at_once(*[lambda: check(app, code)] * 12)) == 1
