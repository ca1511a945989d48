"""Headless clients as a person with a passkey drives them, over Django's test client."""

import time

from authentication.step_up import STEPPED_UP_AT
from authentication.tests.authenticator import Authenticator
from authentication.tests.headless import HeadlessClient
from authentication.tests.people import PASSWORD
from core.models import AuditEvent
from users.models import UserSession
from users.sessions import SessionStore


class Caller(HeadlessClient):
    """A person with a passkey; calling it calls a flow."""

    def __call__(self, method, path, body=None):
        return self.call(method, path, body)

    def copy(self):
        twin = Caller(self.kind)
        twin.http.cookies, twin.token = self.http.cookies.copy(), self.token
        return twin

    def key(self):
        return self.token if self.kind == "app" else self.http.cookies["sessionid"].value

    def me(self):
        return self.request("GET", "/api/v1/me").status_code

    # --- What a person does ---------------------------------------------------------------

    def password(self, user):
        return self("POST", "auth/login", {"username": user.username, "password": PASSWORD})

    def step_up(self):
        """As if somebody had proven just now who they are."""
        session = SessionStore(self.key())
        session[STEPPED_UP_AT] = time.time()
        session.save()

    def ask(self):
        return asked(self("POST", "auth/passkey/options", {}))

    def answer(self, answer, **more):
        return self("POST", "auth/passkey", {"credential": answer, **more})

    def sign_in(self, user, authenticator):
        self.password(user)
        return self.answer(authenticator.get(self.ask()))

    def begin(self):
        self.step_up()
        response = self("POST", "account/passkeys", {})
        return response.json()["data"]["creation_options"]["publicKey"]

    def complete(self, answer, name="Laptop"):
        return self("POST", "account/passkeys/complete", {"credential": answer, "name": name})


def asked(response):
    return response.json()["data"]["request_options"]["publicKey"]


def code_in(response):
    return response.json()["errors"][0]["code"]


def add_passkey(user, **options):
    """Register a passkey over HTTP, in a session that is thrown away."""
    authenticator = Authenticator(**options)
    caller = Caller("app")
    caller.password(user)
    response = caller.complete(authenticator.create(caller.begin()))
    assert response.status_code == 200, response.content
    return authenticator


def session_of(user):
    return UserSession.objects.filter(user=user, ended_at=None).latest("id")


def events(action):
    return AuditEvent.objects.filter(action=action).order_by("id")


def add_second(user, key):
    caller, made = Caller("app"), Authenticator()
    caller.sign_in(user, key)
    caller.complete(made.create(caller.begin()), "Second")
    return made


def begin_pending(caller):
    response = caller("POST", "account/passkeys", {})
    return response.json()["data"]["creation_options"]["publicKey"]
