"""People with second factors, and clients of the headless API that keep their session token."""

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.tests.headless import HeadlessClient
from authentication.tests.people import PASSWORD

LOGIN, OTP, STEP_UP = "/accounts/login/", "/accounts/otp/", "/accounts/step-up/"
FACTORS, ENROL = "/accounts/second-factors/", "/accounts/enrol/"


def make_app(user, name="Phone", **fields):
    return TOTPDevice.objects.create(user=user, name=name, **fields)


def make_backup_codes(user):
    return BackupCodeDevice.objects.create(user=user, name="Backup codes").replace_codes()


class AppClient(HeadlessClient):
    """An app: holds the token that each answer may renew."""

    kind = "app"

    def __init__(self, token=None):
        super().__init__(self.kind, token)

    def enter_password(self, user, password=PASSWORD):
        return self.call("POST", "auth/login", {"username": user.username, "password": password})

    def sign_in(self, user, code=None):
        response = self.enter_password(user)
        if code is not None:
            response = self.call("POST", "auth/otp", {"code": code})
        assert response.status_code == 200, response.content
        return self

    def step_up(self, password=PASSWORD, **proof):
        response = self.call("POST", "auth/reauthenticate", {"password": password, **proof})
        assert response.status_code == 200, response.content
        return self

    def is_signed_in(self):
        return self.request("GET", "/api/v1/me").status_code == 200


class BrowserClient(AppClient):
    """A browser: the cookie is all that it holds."""

    kind = "browser"


def pending_flows(response):
    return [flow["id"] for flow in response.json()["data"]["flows"] if flow.get("is_pending")]


def error_codes(response):
    return [error["code"] for error in response.json()["errors"]]
