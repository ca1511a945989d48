"""Members of staff in their browsers, who act as somebody."""

import time

from django.test import Client

from authentication.step_up import STEPPED_UP_AT
from authentication.tests.people import make_user
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from users.models import UserSession

REASON = "Ticket 4711: cannot see the team's items"
DESK = ("users.view_user", "users.change_user", "users.impersonate_user")
STOP = "/accounts/impersonation/stop/"


def make_desk(*more, **fields):
    """One of the staff who may act as others, and no superuser."""
    user = make_user(is_staff=True, **fields)
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=[*DESK, *more]))
    return user


def somebody():
    """The one as whom they act."""
    return make_user(username="bob")


def browser_of(user, *, stepped_up=True):
    client = Client()
    client.force_login(user)
    if stepped_up:
        session = client.session
        session[STEPPED_UP_AT] = time.time()
        session.save()
    return client


def page_of(user):
    return f"/admin/users/user/{user.pk}/impersonate/"


def start(client, user, reason=REASON, **fields):
    return client.post(page_of(user), {"reason": reason, **fields})


def acting_as(user, by=None, **fields):
    """The browser of a member of staff who acts as ``user``."""
    client = browser_of(by or make_desk())
    response = start(client, user, **fields)
    assert (response.status_code, response["Location"]) == (302, "/accounts/sessions/")
    return client


def who(client):
    """The username behind the browser's session; nothing when it is signed out."""
    response = client.get("/api/v1/me")
    return response.json()["username"] if response.status_code == 200 else ""


def impersonations(**columns):
    return UserSession.objects.filter(impersonator__isnull=False, **columns)
