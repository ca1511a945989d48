"""What a session of staff who act as somebody may ask for: every endpoint, read from the URLs."""

import pytest
from django.urls import Resolver404, resolve

from authentication.impersonation.rules import READABLE, STOP, is_allowed
from authentication.tests.impersonation.acting import acting_as, impersonations
from authentication.tests.people import make_user
from core.models import AuditEvent
from core.security_events import Kind
from truledgr.tests.test_endpoints import ALL, METHODS
from users.models import User

pytestmark = pytest.mark.django_db

# A line here is a decision: what may be changed as somebody else where that was chosen.
WRITABLE = ("/api/v1/groups", "/api/v1/items")
# What only the owner is to have, even to look at.
NEVER_SHOWN = (
    "/admin/",
    "/accounts/step-up/",
    "/accounts/enrol/",
    "/accounts/password/",
    "/accounts/passkey/",
    "/accounts/second-factors/backup-codes/",
    "/api/auth/app/",
)
REFUSALS = {"read_only_session"}


def is_refused(response):
    if response.status_code != 403:
        return False
    if response["Content-Type"].startswith("text/html"):
        return "Not while you act as somebody else" in response.content.decode()
    body = response.json()
    codes = {body.get("code")} | {error.get("code") for error in body.get("errors", ())}
    return bool(codes & REFUSALS)


@pytest.fixture
def bob():
    return make_user(username="bob")


def as_bob(bob, *, may_change):
    if not may_change:
        return acting_as(bob)
    root = make_user(is_staff=True, is_superuser=True)
    return acting_as(bob, by=root, allow_changes="on")


def leads_somewhere(endpoint):
    try:
        return resolve(endpoint.path)
    except Resolver404:  # the walk's example of a regular expression fits it no more
        return False


REACHABLE = [endpoint for endpoint in ALL if leads_somewhere(endpoint)]
WAYS_OUT = ("impersonation/stop/", "logout/", "auth/session")


def changes_made():
    """Events of the trail but for those about refusals."""
    return AuditEvent.objects.exclude(action__in=Kind.values).count()


@pytest.mark.parametrize("may_change", [False, True], ids=["read-only", "may change"])
def test_no_endpoint_lets_it_change_more_than_items_and_groups(bob, may_change):
    client = as_bob(bob, may_change=may_change)
    events = changes_made()
    before = User.objects.filter(pk=bob.pk).values().get()

    for endpoint in REACHABLE:
        if endpoint.route.endswith(WAYS_OUT):
            continue
        is_open = may_change and endpoint.path.startswith(WRITABLE)
        response = client.post(endpoint.path)
        assert is_refused(response) != is_open, (endpoint.path, response.status_code)

    assert User.objects.filter(pk=bob.pk).values().get() == before
    assert impersonations(ended_at=None).count() == 1
    if not may_change:
        assert changes_made() == events


@pytest.mark.parametrize("may_change", [False, True], ids=["read-only", "may change"])
@pytest.mark.parametrize("method", METHODS[1:])
def test_every_method_that_changes_is_refused_like_any_other(rf, method, may_change):
    for endpoint in REACHABLE:
        if endpoint.route.endswith(WAYS_OUT):
            continue
        request = getattr(rf, method)(endpoint.path)
        request.resolver_match = resolve(endpoint.path)
        is_open = may_change and endpoint.path.startswith(WRITABLE)
        assert is_allowed(request, may_change=may_change) == is_open, endpoint.path


def test_what_is_shown_is_named_and_looking_around_changes_nothing(bob):
    client = as_bob(bob, may_change=True)
    events = changes_made()
    before = User.objects.filter(pk=bob.pk).values().get()

    shown = {e.path for e in REACHABLE if not is_refused(client.get(e.path))}

    pages = {path for path in shown if not path.startswith("/api/v1/")}
    assert not [path for path in shown if path.startswith(NEVER_SHOWN)]
    assert {e.path for e in ALL if e.path.startswith("/api/v1/")} <= shown
    # The stop button is no page; whatever leads nowhere is refused as well.
    assert len(pages) <= len(READABLE) + len({STOP})
    assert changes_made() == events
    assert User.objects.filter(pk=bob.pk).values().get() == before
    assert impersonations(ended_at=None).count() == 1
