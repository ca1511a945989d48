"""Clients that speak the flows of signing in over real HTTP, and hold answers to the document."""

from __future__ import annotations

import re

import jsonschema
import requests
from django.core import mail

JSON = "application/json"
PROBLEM = "application/problem+json"


class Contract:
    """The OpenAPI document, asked whether an answer is one that it describes."""

    def __init__(self, document):
        self.document = document
        self.seen = set()

    def check(self, method, path, response):
        """Fail when the document knows no such path, method, status or body."""
        template, operation = self._operation(method.lower(), path)
        self.seen.add((method, template))
        status = str(response.status_code)
        assert status in operation["responses"], f"{method} {template} answered {status}"
        described = self._resolved(operation["responses"][status])
        if "content" not in described:
            return
        content_type = response.headers["Content-Type"].partition(";")[0]
        assert content_type in described["content"], f"{method} {template}: {content_type}"
        schema = described["content"][content_type].get("schema", {})
        validator = jsonschema.Draft202012Validator(
            {**schema, "components": self.document["components"]}
        )
        # The whole schema, which validate() would show, is thousands of lines.
        errors = [
            f"{error.json_path}: {error.message}"
            for error in validator.iter_errors(response.json())
        ]
        assert not errors, f"{method} {template} {status} {response.text}: {errors}"

    def _operation(self, method, path):
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method in item:
                return template, item[method]
        raise AssertionError(f"{method} {path} is not in the document")

    def _resolved(self, node):
        while "$ref" in node:
            node = self._at(node["$ref"])
        return node

    def _at(self, reference):
        node = self.document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node


class Client:
    """What both kinds have in common: ``call()`` answers the response, checked."""

    kind = ""

    def __init__(self, base, contract):
        self.base = base
        self.contract = contract
        self.http = requests.Session()
        self.http.headers["User-Agent"] = f"flows/{self.kind}"

    def auth(self, method, route, body=None, **options):
        """Call a headless flow, such as ``auth/login``."""
        return self.call(method, f"/api/auth/{self.kind}/v1/{route}", body, **options)

    def call(self, method, path, body=None, headers=None):
        response = self.http.request(
            method,
            self.base + path,
            json=body,
            headers={**self.headers(), **(headers or {})},
            allow_redirects=False,
        )
        self.contract.check(method, path.partition("?")[0], response)
        self.learn(response)
        return response

    def headers(self):
        return {"Accept": JSON}

    def learn(self, response):
        """Keep what the answer says of the session."""

    def forget(self):
        """Drop a session that has ended, as a client does that is told so."""

    def is_signed_in(self):
        return self.call("GET", "/api/v1/me").status_code == 200


class AppClient(Client):
    """Holds the session token that each answer may renew."""

    kind = "app"
    token = None

    def headers(self):
        own = {"X-Session-Token": self.token} if self.token else {}
        return super().headers() | own

    def learn(self, response):
        if response.headers.get("Content-Type", "").startswith(JSON):
            body = response.json()
            if isinstance(body, dict) and isinstance(body.get("meta"), dict):
                self.token = body["meta"].get("session_token", self.token)

    def forget(self):
        self.token = None


class BrowserClient(Client):
    """Holds cookies; sends the CSRF token that a page of the same origin would read."""

    kind = "browser"

    def headers(self):
        if "csrftoken" not in self.http.cookies:
            self.http.get(f"{self.base}/api/auth/browser/v1/config", timeout=10)
        own = {"X-CSRFToken": self.http.cookies.get("csrftoken", ""), "Referer": self.base}
        return super().headers() | own

    def auth_form(self, route, fields):
        """Send a flow's form as a page does, which leads elsewhere."""
        path = f"/api/auth/{self.kind}/v1/{route}"
        response = self.http.post(
            self.base + path, data=fields, headers=self.headers(), allow_redirects=False, timeout=10
        )
        self.contract.check("POST", path, response)
        return response


def newest_mail(to):
    """The text of the last mail to an address."""
    texts = [message.body for message in mail.outbox if to in message.to]
    assert texts, f"no mail to {to}"
    return texts[-1]


def flows_of(response):
    """The ids of the flows that an unfinished sign-in waits for."""
    return [flow["id"] for flow in response.json()["data"]["flows"] if flow.get("is_pending")]
