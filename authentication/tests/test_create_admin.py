"""The first administrator, made on the command line without choosing a password for anybody."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from authentication.models import PasswordResetToken
from authentication.tests.account_clients import (
    OTHER,
    Headless,
    is_new_password,
    mails_at_once,  # noqa: F401 (a fixture)
    use_by,
)
from authentication.tests.people import make_user
from core.models import AuditEvent
from users.models import User
from users.tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]


def create(capsys, *args):
    call_command("create_admin", *args)
    return capsys.readouterr()


def test_it_prints_a_link_that_sets_the_password_once(capsys, settings):
    settings.PUBLIC_URL = "https://ledger.example.org"

    shown = create(capsys, "root", "root@example.org")

    root = User.objects.get(username="root")
    assert root.is_staff
    assert root.is_superuser
    assert not root.has_usable_password()
    assert EmailAddress.objects.get(user=root, verified=True, primary=True).email == root.email
    link = shown.out.strip()
    assert link.startswith("https://ledger.example.org/accounts/password/reset/key/")
    assert "second factor" in shown.err
    secret = link.rstrip("/").rpartition("/")[2].partition("-")[2]
    assert secret not in str(list(PasswordResetToken.objects.values()))
    use_by("pages", root, secret)
    assert is_new_password(root)
    use_by("pages", root, secret, "another quiet harbour")
    assert is_new_password(root)


def test_the_first_sign_in_asks_for_a_second_factor(capsys, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    link = create(capsys, "root", "root@example.org").out.strip()
    root = User.objects.get()
    use_by("app", root, link.rstrip("/").rpartition("/")[2].partition("-")[2])
    client = Headless("browser")

    client.sign_in(root, OTHER)

    assert client.http.get("/api/v1/me").status_code != 200
    assert client.http.get("/admin/").status_code == 302


def test_it_is_recorded_with_its_actor(capsys):
    UserFactory(username="boss")

    link = create(capsys, "root", "root@example.org", "--actor", "boss").out

    events = AuditEvent.objects.filter(action="create", via="command")
    assert {(event.model, event.actor_label, event.via) for event in events} == {
        ("user", "boss", "command"),
        ("passwordresettoken", "boss", "command"),
    }
    assert link.rstrip("/\n").rpartition("-")[2] not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("name", ["anna", "ANNA"])
@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_taken_name_is_refused_and_the_way_out_is_named(name, is_superuser):
    make_user(username="anna", is_superuser=is_superuser)
    way_out = "Forgot your password" if is_superuser else "Another administrator"

    with pytest.raises(CommandError, match=way_out):
        call_command("create_admin", name, "other@example.org")

    assert User.objects.count() == 1
    assert not PasswordResetToken.objects.exists()


def test_a_taken_address_is_refused_and_one_of_a_deleted_user_is_not(capsys):
    user = make_user(username="anna")

    with pytest.raises(CommandError, match="with the address"):
        call_command("create_admin", "root", "Anna@example.org")
    user.delete()
    create(capsys, "anna", "Anna@example.org")

    assert User.objects.alive().get().is_superuser


@pytest.mark.parametrize(
    ("username", "email", "about"),
    [
        ("a b", "root@example.org", "username"),
        ("root", "nobody", "email"),
        ("", "root@example.org", "username"),
        ("x" * 151, "root@example.org", "username"),
        ("ro\0ot", "root@example.org", "Null"),
        ("root", "ro\udcffot@example.org", "surrogate"),
    ],
)
def test_a_bad_name_or_address_is_refused_by_name(username, email, about):
    with pytest.raises(CommandError, match=about):
        call_command("create_admin", username, email)

    assert not User.objects.exists()
