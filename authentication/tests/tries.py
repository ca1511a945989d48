"""Trying passwords on the sign-in page, from any address."""

from http import HTTPStatus
from types import SimpleNamespace

import pytest

from authentication.tests.account_clients import LOGIN

STRANGER, HOME = "192.0.2.66", "198.51.100.7"
WRONG = "not the password at all"
TOO_MANY = "too_many_login_attempts"


def post_login(client, name, password, *, ip=STRANGER, **headers):
    data = {"login": name, "password": password}
    return client.post(LOGIN, data, REMOTE_ADDR=ip, headers=headers)


def codes_of(response):
    form = response.context["form"] if response.context else None
    return [error.code for error in form.non_field_errors().as_data()] if form else []


def is_signed_in(client):
    return client.get("/api/v1/me").status_code == HTTPStatus.OK


@pytest.fixture
def within_one_window(monkeypatch):
    """No window of a rate ends in the middle of a test."""
    monkeypatch.setattr("core.rates.time", SimpleNamespace(time=lambda: 1_200_000.0))
