"""Accounts cannot be told from the answers to a sign-in, nor from their cost."""

import pytest
from django.core.cache import cache

from authentication import limits
from authentication.tests.account_clients import CLIENTS, LOGIN
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.tries import (
    WRONG,
)
from users.hashers import Argon2idHasher
from users.models import User


@pytest.fixture
def hashes(settings, monkeypatch):
    """The computations of the real hash."""
    settings.PASSWORD_HASHERS = ["users.hashers.Argon2idHasher"]
    done = []
    encode, verify = Argon2idHasher.encode, Argon2idHasher.verify
    monkeypatch.setattr(
        Argon2idHasher, "encode", lambda *args: done.append("encode") or encode(*args)
    )
    monkeypatch.setattr(
        Argon2idHasher, "verify", lambda *args: done.append("verify") or verify(*args)
    )
    return done


def account_that_is(state):
    user = make_user(username="ada", email="ada@example.org", verified=state != "unverified")
    match state:
        case "unknown":
            user.hard_delete()
        case "disabled" | "disabled, right password":
            User.objects.update(is_active=False)
        case "deleted" | "deleted, right password":
            user.delete()
        case "without password":
            user.set_unusable_password()
            user.save()
        case "locked, right password":
            cache.set(limits._row_key(f"user:{user.pk}", is_known=False), 500)


STATES = [
    "unknown", "wrong password", "unverified", "without password", "deleted",
    "deleted, right password", "disabled", "disabled, right password", "locked, right password",
]  # fmt: skip


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("name", ["ada", "ada@example.org"])
def test_asvs_6_3_8_every_refusal_is_the_same_and_costs_one_hash(
    db, hashes, kind, name, django_assert_max_num_queries
):
    answers, queries = {}, {}
    for state in STATES:
        cache.clear()
        account_that_is(state)
        hashes.clear()
        password = PASSWORD if "right" in state else WRONG
        client = CLIENTS[kind]()
        with django_assert_max_num_queries(30) as counted:
            if kind == "pages":
                answer = client.http.post(LOGIN, {"login": name, "password": password})
                body = answer.context["form"].errors.as_json()
            else:
                field = "email" if "@" in name else "username"
                body = {field: name, "password": password}
                answer = client.call("post", "auth/login", body)
                body = answer.content
        answers[state] = answer.status_code, body, sorted(answer.cookies)
        queries[state] = len(counted)
        assert len(hashes) == 1, state
        for row in User._base_manager.all():
            row.hard_delete()

    assert all(answer == answers["unknown"] for answer in answers.values())
    assert len(set(queries.values())) == 1, queries


def test_a_token_check_touches_no_password_hash(hashes, api_of, db):
    user = make_user()
    api = api_of(user)
    hashes.clear()

    api.get("/api/v1/me")

    assert hashes == []
