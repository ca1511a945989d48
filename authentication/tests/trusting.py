"""Clients that may be trusted to skip the second factor."""

from authentication.tests.clients import AppClient

COOKIE = "device_trust"
DEVICE_ID = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"


class App(AppClient):
    """An app that says which device it is on, and sends the secret that it has been told."""

    def __init__(self, secret=None, device=DEVICE_ID):
        super().__init__()
        self.secret, self.device = secret, device

    def request(self, method, path, body=None, **headers):
        if self.device:
            headers["X-Device-ID"] = self.device
        if self.secret:
            headers["X-Device-Trust"] = self.secret
        return super().request(method, path, body, **headers)
