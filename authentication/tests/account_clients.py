"""People with passwords, and the two kinds of clients that speak the account flows."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from authentication.services.password_resets import reset_path
from authentication.tests.headless import HeadlessClient
from authentication.tests.people import PASSWORD

OTHER = "quiet violet harbour lanterns"
LOGIN = "/accounts/login/"
SIGN_UP, VERIFY = "/accounts/signup/", "/accounts/confirm-email/"
CHANGE, EMAIL = "/accounts/password/change/", "/accounts/email/"
NEW = "new@example.org"


class Headless(HeadlessClient):
    """What a person asks of the account flows, by either kind of client."""

    def sign_in(self, user, password=PASSWORD):
        return self.call("post", "auth/login", {"username": user.username, "password": password})

    def is_signed_in(self):
        """By the flows and by the API: both have to agree."""
        headers = {"X-Session-Token": self.token} if self.token else {}
        me = self.http.get("/api/v1/me", headers=headers)
        session = self.call("get", "auth/session")
        assert (me.status_code == 200) == (session.status_code == 200)
        return me.status_code == 200


class Pages:
    """A browser on the pages, with the same questions."""

    def __init__(self):
        self.http = Client()

    def sign_in(self, user, password=PASSWORD):
        return self.http.post(LOGIN, {"login": user.username, "password": password})

    def is_signed_in(self):
        return self.http.get("/api/v1/me").status_code == 200


CLIENTS = {
    "pages": Pages,
    "browser": lambda: Headless("browser"),
    "app": lambda: Headless("app"),
}


def link_in(message):
    """The path of the link to set a password, and the key in it as the headless API takes it."""
    path = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", message.body).group(1)
    return path, re.search(r"/key/(.+)/", path).group(1)


def code_in(message):
    return re.search(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+)\s*$", message.body, re.MULTILINE).group(
        1
    )


def mails_to(address):
    return [message for message in mail.outbox if message.to == [address]]


def sign_up(client, username="new", email=NEW, password=PASSWORD):
    if isinstance(client, Pages):
        form = {"username": username, "email": email, "password1": password, "password2": password}
        return client.http.post(SIGN_UP, form)
    body = {"username": username, "email": email, "password": password}
    return client.call("post", "auth/signup", body)


def enter(client, code):
    if isinstance(client, Pages):
        return client.http.post(VERIFY, {"code": code, "action": "verify"})
    return client.call("post", "auth/email/verify", {"key": code})


def change_password(client, current, new):
    if isinstance(client, Pages):
        form = {"oldpassword": current, "password1": new, "password2": new}
        return client.http.post(CHANGE, form)
    body = {"current_password": current, "new_password": new}
    return client.call("post", "account/password/change", body)


def add_address(client, email):
    if isinstance(client, Pages):
        return client.http.post(EMAIL, {"email": email, "action_add": ""})
    return client.call("post", "account/email", {"email": email})


def step_up(client, monkeypatch):
    """As if the person had just proven again who they are."""
    monkeypatch.setattr("authentication.step_up.is_recent", lambda _request: True)


def is_password(user, password):
    user.refresh_from_db()
    return user.check_password(password)


def problem_codes(response):
    return [error["code"] for error in response.json()["errors"]]


def key_of(user, secret):
    return f"{user.pk.hex}-{secret}"


def use_by(kind, user, secret, password=OTHER, client=None):
    """Set a password with a token; answer the last response."""
    if kind == "pages":
        browser = (client or Pages()).http
        first = browser.get(reset_path(user=user, secret=secret), follow=True)
        if not first.redirect_chain:
            return first
        form = {"password1": password, "password2": password}
        return browser.post(first.redirect_chain[-1][0], form)
    body = {"key": key_of(user, secret), "password": password}
    return (client or Headless(kind)).call("post", "auth/password/reset", body)


def is_new_password(user, password=OTHER):
    user.refresh_from_db()
    return user.check_password(password)


@pytest.fixture
def mails_at_once(monkeypatch):
    """Mails leave without the commit that a test never makes; limits start from nothing."""
    monkeypatch.setattr("authentication.mails.delivery.after_commit", lambda leave: leave())
    cache.clear()
