"""People who sign in from somewhere, with something, and what was recorded of it."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from authentication.tests.account_clients import LOGIN, Headless
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import UserSession
from users.tests.factories import UserSessionFactory
from users.tests.places import LISBON, write_places

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"  # noqa: E501
APP_ID = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"

every_kind = pytest.mark.parametrize("kind", ["pages", "browser", "app"])


def known_places(tmp_path, settings):
    settings.GEOIP_DATABASE = str(write_places(tmp_path / "places.mmdb"))


def ada():
    return make_user(username="ada")


class Traveller(Headless):
    """A person with one device: a browser on the pages, or a client of the headless flows."""

    def __init__(self, kind="pages", ip="127.0.0.1", agent=FIREFOX):
        super().__init__("app" if kind == "app" else "browser")
        self.on_pages = kind == "pages"
        self.go_to(ip)
        self.http.defaults["HTTP_USER_AGENT"] = agent
        if kind == "app":
            self.http.defaults["HTTP_X_DEVICE_ID"] = APP_ID

    def go_to(self, ip):
        self.http.defaults["REMOTE_ADDR"] = ip
        return self

    def sign_in(self, user, password=PASSWORD, **more):
        if self.on_pages:
            form = {"login": user.username, "password": password, **more}
            return self.http.post(LOGIN, form)
        return super().sign_in(user, password)

    def enter_code(self, code):
        if self.on_pages:
            return self.http.post("/accounts/otp/", {"code": code})
        return self.call("post", "auth/otp", {"code": code})

    def sign_out(self):
        if self.on_pages:
            self.http.post("/accounts/logout/")
        else:
            self.call("delete", "auth/session")
            self.token = None

    def step_up(self, **proof):
        proof = {"password": PASSWORD, **proof}
        if self.on_pages:
            return self.http.post("/accounts/step-up/", proof)
        return self.call("post", "auth/reauthenticate", proof)

    def me(self):
        return self.request("get", "/api/v1/me")

    def is_signed_in(self):
        return self.me().status_code == 200


def events(action):
    """What each event of that kind says after the change, oldest first."""
    rows = AuditEvent.objects.filter(action=action).order_by("id")
    return [{name: after for name, (_before, after) in row.changes.items()} for row in rows]


def signed_in(user, place=LISBON, *, ago=timedelta(days=1), **fields):
    """An earlier sign-in of ``user``."""
    return UserSessionFactory(
        user=user,
        signed_in_at=timezone.now() - ago,
        country=place.country,
        city=place.city,
        latitude=place.latitude,
        longitude=place.longitude,
        **fields,
    )


def rules_of(session):
    return {each["rule"] for each in session.risk_rules}


def latest(user):
    return UserSession.objects.filter(user=user).latest("created_at")


def subjects():
    return [message.subject for message in mail.outbox]
