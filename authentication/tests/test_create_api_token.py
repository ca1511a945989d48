from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from authentication.models import APIToken
from core.models import AuditEvent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return UserFactory(username="ada", email="ada@example.org")


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("create_api_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("identifier", ["ada", "ADA", "ada@example.org"])
def test_it_prints_a_token_that_works_and_nothing_else(ada, identifier):
    out, err = run(identifier)

    response = APIClient(headers={"Authorization": f"Bearer {out.strip()}"}).get("/api/v1/me")
    assert response.json()["username"] == "ada"
    assert "ada · command line · for good · everything" in err
    assert out.strip() not in err


def test_it_takes_a_name_a_life_and_scopes(ada):
    run("ada", "--name", "CI", "--expires-in", "90", "--scope", "items.view_item",
        "items.add_item", "--scope", "groups.view_group")  # fmt: skip

    token = APIToken.objects.get()
    assert token.name == "CI"
    assert token.scopes == ["groups.view_group", "items.add_item", "items.view_item"]
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_the_audit_trail_names_the_actor(ada):
    grace = UserFactory(username="grace")

    run("ada", "--actor", "grace")

    event = AuditEvent.objects.get(model="apitoken")
    assert (event.actor, event.via) == (grace, "command")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "There is no user called 'nobody'"),
        (["ada", "--scope", "items.fly_item"], r"no permission items\.fly_item"),
        (["ada", "--expires-in", "0"], "not a whole number of days"),
        (["ada", "--expires-in", "1e9"], "not a whole number of days"),
        (["ada", "--expires-in", "99999"], "not a whole number of days"),
        (["ada", "--name", ""], "cannot be blank"),
        (["ada", "--name", "x" * 101], "at most 100 characters"),
        (["ada", "--name", "\udcff"], "surrogate"),
        (["\udcff"], "There is no user"),
        (["ada", "--actor", "nobody"], "--actor: there is no user called 'nobody'"),
        ([], "username"),
    ],
)
def test_a_mistake_is_explained_and_makes_no_token(ada, arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)

    assert not APIToken.objects.exists()


def test_a_user_who_cannot_sign_in_gets_none(ada):
    ada.is_active = False
    ada.save()

    with pytest.raises(CommandError, match="cannot sign in"):
        run("ada")
