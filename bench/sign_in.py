"""What a sign-in costs beside its password hash, and that every refusal takes the same time.

Whole requests to the headless API, from the first middleware to the last. Limits count, but let
everything through. CACHE_URL names the cache, as it does for the site.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

import measuring
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.test import Client, override_settings
from measuring import Fact, Result

from authentication import limits
from authentication.services.api_tokens import create_api_token
from users.hashers import Argon2idHasher
from users.models import User

PASSWORD = "correct horse battery staple"  # noqa: S105
WRONG = "not the password at all"
LOGIN, ME = "/api/auth/app/v1/auth/login", "/api/v1/me"
DEVICE = {"X-Device-ID": "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"}
NO_LIMIT = {
    "sign_in": "999999999/m/ip",
    "login_failed": "999999999/m/ip,999999999/5m/key",
    "login_failed_known_device": "999999999/5m/key",
    "bad_token": "999999999/m/ip",
}
# With the hash that RFC 9106 recommends where memory is scarce (KiB, passes), and by default.
COSTLY = {"PASSWORD_HASH_MEMORY": 65_536, "PASSWORD_HASH_PASSES": 3}
AT_MOST, AT_MOST_BY_DEFAULT = 1.3, 2.2
client = Client(SERVER_NAME="localhost")  # one: making its middleware is no part of a request
# Apart from noise: an answer that is told from others must differ by more than that.
ALIKE = 1.1


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    # Formatted as ever, but not printed between the results.
    logging.getLogger("django.request").addHandler(logging.NullHandler())
    logging.getLogger("django.request").propagate = False
    rates = {**settings.ACCOUNT_RATE_LIMITS, **NO_LIMIT}
    with (
        override_settings(ACCOUNT_RATE_LIMITS=rates, SECURE_SSL_REDIRECT=False),
        patch.multiple(limits, MOST_BY_STRANGERS=10**9, MOST_BY_KNOWN_DEVICES=10**9),
    ):
        cache.clear()
        yield from _refusals(options.rounds)
        yield from _sign_in("ada", "by default", AT_MOST_BY_DEFAULT, options.rounds)
        yield from _tokens(options.rounds)
        with override_settings(**COSTLY):
            yield from _sign_in("bea", "RFC 9106", AT_MOST, max(1, options.rounds // 4))


def _make(name: str, **fields: Any) -> User:
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def _post(name: str, password: str, **headers: str) -> int:
    body = json.dumps({"username": name, "password": password})
    client.cookies.clear()
    answer = client.post(LOGIN, body, content_type="application/json", headers=headers)
    return answer.status_code


def _refusals(rounds: int) -> Iterator[Result | Fact]:
    _make("known")
    _make("disabled", is_active=False)
    _make("deleted").delete()
    without = _make("without")
    without.set_unusable_password()
    without.save()
    EmailAddress.objects.filter(user=_make("unverified")).update(verified=False)
    _make("locked")
    tries = {
        "wrong password": ("known", WRONG),
        "unknown account": ("nobody", WRONG),
        "disabled account": ("disabled", WRONG),
        "disabled account, right password": ("disabled", PASSWORD),
        "deleted account, right password": ("deleted", PASSWORD),
        "account without a password": ("without", WRONG),
        "unverified address": ("unverified", WRONG),
    }

    def trying(name: str, password: str) -> Callable[[], int]:
        return lambda: _post(name, password)

    contestants = {what: trying(*given) for what, given in tries.items()}
    statuses = {what: attempt() for what, attempt in contestants.items()}
    yield Fact(
        f"every refusal is {HTTPStatus.BAD_REQUEST}",
        is_good=set(statuses.values()) == {HTTPStatus.BAD_REQUEST},
    )
    seconds = measuring.medians(contestants, rounds=rounds)
    for what in list(tries)[1:]:
        usual = seconds["wrong password"]
        slower, faster = max(seconds[what], usual), min(seconds[what], usual)
        print(f"  {what}: {seconds[what] / usual:.3f} of a wrong password")
        yield Result(f"{what} : wrong password", slower, faster, ALIKE)


def _sign_in(name: str, cost: str, at_most: float, rounds: int) -> Iterator[Result | Fact]:
    user = _make(name)
    user.refresh_from_db()
    assert _post(name, PASSWORD, **DEVICE) == HTTPStatus.OK
    seconds = measuring.medians(
        {
            "hash": lambda: check_password(PASSWORD, user.password),
            "known": lambda: _post(name, PASSWORD, **DEVICE),
            "wrong": lambda: _post(name, WRONG, **DEVICE),
        },
        rounds=rounds,
    )
    hashing = seconds["hash"]
    yield Result(f"sign-in : its password hash, {cost}", seconds["known"], hashing, at_most)
    yield Result(f"wrong password : its hash, {cost}", seconds["wrong"], hashing, at_most)
    with measuring.counted_queries() as queries:
        _post(name, PASSWORD, **DEVICE)
    print(f"  a sign-in sends {len(queries)} statements")


def _tokens(rounds: int) -> Iterator[Result | Fact]:
    user = User.objects.get(username="ada")
    _token, secret = create_api_token(actor=user, user=user, name="bench")
    headers = {"Authorization": f"Bearer {secret}"}
    with_token = Client(headers=headers, SERVER_NAME="localhost")
    hashed: list[str] = []

    def noted(*given: Any) -> Any:
        hashed.append("hash")
        raise AssertionError(f"{len(given)} values were hashed.")

    with patch.multiple(Argon2idHasher, verify=noted, encode=noted):
        answer = with_token.get(ME)
    yield Fact(
        "a token check touches no password hash",
        is_good=answer.status_code == HTTPStatus.OK and not hashed,
    )
    seconds = measuring.medians(
        {
            "token": lambda: with_token.get(ME),
            "hash": lambda: check_password(PASSWORD, user.password),
        },
        rounds=rounds,
    )
    yield Result("GET /api/v1/me by token : a password hash", seconds["token"], seconds["hash"])


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rounds=100)
