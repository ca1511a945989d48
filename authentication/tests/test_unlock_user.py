"""Unlocking somebody on the command line: what it forgets, and what it says otherwise."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from authentication.models import TOTPDevice
from authentication.tests.account_clients import (
    Headless,
    mails_at_once,  # noqa: F401 (a fixture)
)
from authentication.tests.people import make_user
from core.models import AuditEvent
from core.rates import CountingError
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]


@pytest.fixture
def user():
    return make_user(username="anna")


def unlock(capsys, *args):
    call_command("unlock_user", *args)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["anna", "ANNA", "anna@example.org"])
def test_wrong_passwords_are_forgotten(capsys, user, name):
    for _try in range(7):
        Headless().sign_in(user, "wrong")
    assert Headless().sign_in(user).status_code == 400

    out = unlock(capsys, name)

    assert "5 wrong passwords forgotten" in out
    assert Headless().sign_in(user).status_code == 200
    event = AuditEvent.objects.get(action="unlock")
    assert (event.object_id, event.via) == (str(user.pk), "command")


def test_locked_factors_accept_codes_again(capsys, user):
    make_user(username="boss")
    TOTPDevice.objects.create(user=user, name="Phone", throttling_failure_count=100)

    out = unlock(capsys, "anna", "--actor", "boss")

    assert "1 second factor unlocked" in out
    assert not TOTPDevice.objects.get().is_locked
    assert AuditEvent.objects.get(action="unlock").actor_label == "boss"


def test_the_password_and_the_factors_stay(capsys, user):
    before = user.password
    TOTPDevice.objects.create(user=user, name="Phone", throttling_failure_count=100)

    unlock(capsys, "anna")

    user.refresh_from_db()
    assert user.password == before
    assert TOTPDevice.objects.count() == 1


def test_nothing_locked_is_no_failure(capsys, user):
    assert "nothing was locked" in unlock(capsys, "anna")
    assert not AuditEvent.objects.filter(action="unlock").exists()


def test_it_says_what_else_may_keep_somebody_out(capsys, user):
    EmailAddress.objects.update(verified=False)
    assert "is not verified" in unlock(capsys, "anna")

    user.set_unusable_password()
    user.save()
    assert "has no password" in unlock(capsys, "anna")


@pytest.mark.parametrize(("state", "way_out"), [("deleted", "Restore"), ("off", "Tick")])
def test_who_cannot_sign_in_anyway_is_a_failure_that_names_the_way_out(user, state, way_out):
    if state == "deleted":
        user.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    with pytest.raises(CommandError, match=way_out):
        call_command("unlock_user", "anna")


@pytest.mark.parametrize("name", ["nobody", "nobody@example.org", "an\0na", "\udcff"])
def test_nobody_of_that_name_is_a_failure(name):
    with pytest.raises(CommandError, match="There is no user called"):
        call_command("unlock_user", name)


def test_without_the_cache_it_says_what_to_look_at(user, monkeypatch):
    def fail(_user):
        raise CountingError("The cache that counts tries cannot be reached.")

    monkeypatch.setattr("authentication.services.unlocking.forget_failures", fail)

    with pytest.raises(CommandError, match="CACHE_URL"):
        call_command("unlock_user", "anna")
