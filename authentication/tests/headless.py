"""A client of the headless flows over Django's test client, without a server."""

import json

from django.test import Client


class HeadlessClient:
    """Keeps what its ``kind`` keeps of a session: an app the token, a browser the cookie."""

    def __init__(self, kind="app", token=None, **options):
        self.kind, self.token = kind, token
        self.http = Client(**options)

    def call(self, method, route, body=None, **headers):
        """Call a flow, such as ``auth/login``."""
        return self.request(method, f"/api/auth/{self.kind}/v1/{route}", body, **headers)

    def request(self, method, path, body=None, **headers):
        if self.token:
            headers["X-Session-Token"] = self.token
        data = "" if body is None else json.dumps(body)
        response = self.http.generic(
            method.upper(), path, data, content_type="application/json", headers=headers
        )
        if response.headers.get("Content-Type") == "application/json":
            self.token = (response.json().get("meta") or {}).get("session_token", self.token)
        return response
