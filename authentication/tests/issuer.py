"""An OpenID Connect issuer for tests: a real HTTP server, which also misbehaves on request.

::

    with Issuer() as issuer:
        issuer.person = {"sub": "ann", "email": "ann@example.org", "email_verified": True}
        ...  # send a browser to issuer.url + "/authorize?…": it comes back with a code
        issuer.faults.add("wrong_nonce")

It approves every request as who is ``person`` at that moment, or denies it when ``denies`` is
set. It checks what a good provider checks: the redirect URI, the client and its secret, the PKCE
verifier, and that a code is used once. ``FAULTS`` says how it can be made to misbehave.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "truledgr-client", "canary-client-secret"
KEY_BITS = 2048
FAULTS = frozenset(
    {
        # The ID token
        "no_id_token", "wrong_key", "unknown_key", "alg_none", "alg_hs256", "wrong_issuer",
        "wrong_audience", "foreign_party", "expired", "no_expiry", "not_yet", "wrong_nonce",
        "no_nonce", "no_subject", "number_subject", "null_in_subject", "garbage",
        # Its answers
        "config_of_another", "config_broken", "keys_broken", "token_error", "token_list",
        "userinfo_of_another", "userinfo_error", "no_email_in_token",
    }
)  # fmt: skip


@cache
def _key(_name):
    """The key of that name: making one costs more than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


class Issuer:
    """Start it with ``with``; ``url`` is the issuer as its tokens spell it."""

    def __init__(self, *, client_id=CLIENT_ID, client_secret=CLIENT_SECRET):
        self.client_id = client_id
        self.client_secret = client_secret
        self.redirect_uris: set[str] = set()  # empty: any
        self.person = {"sub": "1001", "email": "ann@example.org", "email_verified": True}
        self.denies = ""  # an error code to answer instead of a code
        self.faults: set[str] = set()
        self.delay = 0.0  # seconds before every answer
        self.checks_secret = True
        self.pages: dict[str, object] = {}  # what else it serves to holders of an access token
        self.requests: list[tuple[str, dict]] = []  # path and parameters of what was asked
        self.issued: list[str] = []  # every secret that it gave out
        self._codes: dict[str, dict] = {}
        self._access: dict[str, dict] = {}
        self._lock = threading.Lock()
        self._key, self._key_id = _key("own"), token_urlsafe(8)

    # --- Running ----------------------------------------------------------------------------

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # Asked to stop, it looks up from waiting this often: once for each test.
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()

    def rotate_key(self):
        """Sign with a new key from now on; the old one is published no more."""
        self._key, self._key_id = _key(token_urlsafe(8)), token_urlsafe(8)

    # --- What a client is given -------------------------------------------------------------

    def id_token(self, *, nonce=None, audience=None, **claims):
        """An ID token about ``person``, as a phone gets it; ``claims`` replace its own."""
        now = int(time.time())
        held = {
            "iss": self.url,
            "aud": audience or self.client_id,
            "iat": now,
            "exp": now + 300,
            "jti": token_urlsafe(8),
            **self.person,
        }
        if nonce is not None:
            held["nonce"] = nonce
        held |= claims
        if "no_email_in_token" in self.faults:
            held = {name: value for name, value in held.items() if not name.startswith("email")}
        token = self._signed(self._spoilt(held, now))
        self.issued.append(token)
        return token

    def _spoilt(self, held, now):
        spoils = {
            "wrong_issuer": {"iss": "https://evil.example"},
            "wrong_audience": {"aud": "another-client"},
            "foreign_party": {"aud": [self.client_id, "other"], "azp": "other"},
            "expired": {"exp": now - 120, "iat": now - 400},
            "not_yet": {"iat": now + 600, "nbf": now + 600},
            "wrong_nonce": {"nonce": "somebody-elses"},
            "number_subject": {"sub": 1001},
            "null_in_subject": {"sub": "10\x0001"},
        }
        for fault, change in spoils.items():
            if fault in self.faults:
                held = held | change
        missing = {"no_expiry": "exp", "no_nonce": "nonce", "no_subject": "sub"}
        for fault, name in missing.items():
            if fault in self.faults:
                held = {other: value for other, value in held.items() if other != name}
        return held

    def _signed(self, held):
        headers = {"kid": "unknown" if "unknown_key" in self.faults else self._key_id}
        if "garbage" in self.faults:
            return "not.a.token"
        if "alg_none" in self.faults:
            return jwt.encode(held, key=None, algorithm="none", headers=headers)
        if "alg_hs256" in self.faults:
            return _hmac_signed(held, headers, json.dumps(self.keys()["keys"][0]).encode())
        key = self._key
        if "wrong_key" in self.faults:
            key = _key("of somebody else")
        return self._encoded(held, key, headers)

    @staticmethod
    def _encoded(held, key, headers):
        # Without PyJWT's own look at the claims: some are wrong on purpose.
        return jwt.PyJWS().encode(json.dumps(held).encode(), key, "RS256", headers=headers)

    def configuration(self):
        another = "https://evil.example" if "config_of_another" in self.faults else self.url
        return {
            "issuer": another,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self):
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    # --- Its endpoints: each answers a status and a JSON body, or an address to go to -------

    def authorize(self, query):
        redirect_uri = query.get("redirect_uri", "")
        if query.get("client_id") != self.client_id:
            return 400, {"error": "unauthorized_client"}
        if self.redirect_uris and redirect_uri not in self.redirect_uris:
            return 400, {"error": "invalid_redirect_uri"}
        answer = {"state": query.get("state", "")}
        if self.denies:
            answer["error"] = self.denies
        else:
            answer["code"] = token_urlsafe(24)
            with self._lock:
                self._codes[answer["code"]] = {**query, "person": dict(self.person)}
        return 302, f"{redirect_uri}?{urlencode(answer)}"

    def token(self, form, authorization):
        with self._lock:
            asked = self._codes.pop(form.get("code", ""), None)
        if "token_error" in self.faults:
            return 500, {"error": "server_error"}
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        challenge = _challenge(form.get("code_verifier", ""))
        if asked.get("code_challenge_method") != "S256" or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        access, refresh = f"canary-access-{token_urlsafe(8)}", f"canary-refresh-{token_urlsafe(8)}"
        self._access[access] = asked["person"]
        self.issued += [access, refresh]
        answer = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": 300,
        }
        if "token_list" in self.faults:
            return 200, [answer]
        if "no_id_token" not in self.faults:
            answer["id_token"] = self.id_token(nonce=asked.get("nonce"), **asked["person"])
        return 200, answer

    def _is_client(self, form, authorization):
        held = (form.get("client_id"), form.get("client_secret"))
        scheme, _, encoded = authorization.partition(" ")
        if scheme == "Basic":
            name, _, secret = b64decode(encoded).decode().partition(":")
            held = (unquote(name), unquote(secret))
        return held[0] == self.client_id and (
            held[1] == self.client_secret or not self.checks_secret
        )

    def userinfo(self, authorization):
        person = self._access.get(authorization.removeprefix("Bearer "))
        if person is None or "userinfo_error" in self.faults:
            return 401, {"error": "invalid_token"}
        if "userinfo_of_another" in self.faults:
            return 200, {**person, "sub": "somebody-else"}
        return 200, person

    def page(self, path, authorization):
        if authorization.split(" ")[-1] not in self._access:
            return 401, {"error": "invalid_token"}
        return 200, self.pages[path]

    def asked(self, path):
        """The parameters of the last request for ``path``."""
        return next(held for asked, held in reversed(self.requests) if asked == path)


def _challenge(verifier):
    return _base64(sha256(verifier.encode()).digest())


def _base64(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _hmac_signed(held, headers, secret):
    """The old trick: the public key, which everybody knows, used as an HMAC secret."""
    parts = {"alg": "HS256", "typ": "JWT", **headers}, held
    # By hand: PyJWT refuses to sign with what looks like a public key.
    text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_base64(hmac.digest(secret, text.encode(), 'sha256'))}"


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, query = self._asked()
        if path == "/.well-known/openid-configuration":
            self._answer(200, self._or_broken(self.issuer.configuration(), "config_broken"))
        elif path == "/keys":
            self._answer(200, self._or_broken(self.issuer.keys(), "keys_broken"))
        elif path.endswith("/authorize"):
            self._answer(*self.issuer.authorize(query))
        elif path in self.issuer.pages:
            self._answer(*self.issuer.page(path, self.headers.get("Authorization", "")))
        elif path == "/userinfo":
            self._answer(*self.issuer.userinfo(self.headers.get("Authorization", "")))
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self):
        path, _query = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if path.endswith("/token"):
            self.issuer.requests.append((path, form))
            self._answer(*self.issuer.token(form, self.headers.get("Authorization", "")))
        else:
            self._answer(404, {"error": "not_found"})

    def _asked(self):
        time.sleep(self.issuer.delay)
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.issuer.requests.append((parts.path, query))
        return parts.path, query

    def _or_broken(self, body, fault):
        return "<html>" if fault in self.issuer.faults else body

    def _answer(self, status, body):
        is_redirect = status == 302
        content = b"" if is_redirect else json.dumps(body).encode()
        if body == "<html>":
            content = b"<html>"
        self.send_response(status)
        if is_redirect:
            self.send_header("Location", body)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Say nothing: a test's output is its own."""
