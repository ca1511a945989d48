"""Steps of signing in through the issuer of ``authentication.tests.issuer``."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode, urlsplit

import requests
from allauth.socialaccount.models import SocialAccount

from authentication.tests.people import PASSWORD
from core.models import AuditEvent

APP = "/api/auth/app/v1/"
BROWSER = "/api/auth/browser/v1/"
LOGIN = "/accounts/oidc/corp/login/"
REFUSED = "Signing in did not work"
LINKED = "/accounts/3rdparty/"


def app_of(issuer, name="corp", **options):
    """The entry of SOCIALACCOUNT_PROVIDERS that the environment would make of it."""
    return {
        "provider_id": name,
        "name": name.title(),
        "client_id": issuer.client_id,
        "secret": issuer.client_secret,
        "settings": {
            "server_url": issuer.url,
            "scope": ["openid", "profile", "email"],
            "trust_email": True,
            **options,
        },
    }


def set_up(settings, **issuers):
    """Make the issuers providers under the given names, and the only ones."""
    kept = {
        kind: {**options, "APPS": []} for kind, options in settings.SOCIALACCOUNT_PROVIDERS.items()
    }
    apps = [app_of(issuer, name) for name, issuer in issuers.items()]
    settings.SOCIALACCOUNT_PROVIDERS = kept | {
        "openid_connect": {**kept["openid_connect"], "APPS": apps}
    }


def change(settings, **options):
    """Change options of the first app of OpenID Connect."""
    providers = settings.SOCIALACCOUNT_PROVIDERS
    app = providers["openid_connect"]["APPS"][0]
    changed = app | {"settings": app["settings"] | options}
    settings.SOCIALACCOUNT_PROVIDERS = providers | {
        "openid_connect": {**providers["openid_connect"], "APPS": [changed]}
    }


def link(user, sub="1001", provider="corp"):
    return SocialAccount.objects.create(user=user, provider=provider, uid=sub, extra_data={})


def events(action):
    return AuditEvent.objects.filter(action=action)


# --- The browser ----------------------------------------------------------------------------


def begin(client, name="corp", **query):
    """Press the button; answer where the browser is sent to."""
    response = client.post(f"/accounts/oidc/{name}/login/?{urlencode(query)}")
    assert response.status_code == 302, response.content
    return response["Location"]


def approve(location):
    """Go to the provider; answer the address here that it sends the browser back to."""
    response = requests.get(location, allow_redirects=False, timeout=10)
    assert response.status_code == 302, response.text
    back = urlsplit(response.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in(client, name="corp", **query):
    """The whole way there and back; answer what the last step answers."""
    return client.get(approve(begin(client, name, **query)))


def enter(client, user, *, steps_up=True):
    """Sign in with the password, and step up unless told not to."""
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    if steps_up:
        session = client.session
        session["stepped_up_at"] = time.time()
        session.save()


def text_of(response):
    return response.content.decode()


def is_signed_in(client):
    return client.get("/api/v1/me").status_code == 200


# --- Apps -----------------------------------------------------------------------------------


def send(client, method, route, body=None, *, token=None, base=APP):
    """Call a headless flow as an app."""
    headers = {"X-Session-Token": token} if token else {}
    options = {} if body is None else {"data": json.dumps(body)}
    call = getattr(client, method)
    return call(base + route, content_type="application/json", headers=headers, **options)


def send_token(client, issuer, id_token, *, provider="corp", process="login", token=None, **extra):
    body = {
        "provider": provider,
        "process": process,
        "token": {"client_id": issuer.client_id, "id_token": id_token, **extra},
    }
    return send(client, "post", "auth/provider/token", body, token=token)


def session_token_of(response):
    return response.json()["meta"]["session_token"]
