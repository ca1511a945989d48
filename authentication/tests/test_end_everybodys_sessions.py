"""Ending everybody's sessions from the admin."""

import pytest

from authentication.admin import sessions as page
from authentication.tests.impersonation.acting import browser_of
from authentication.tests.people import make_user
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from users.models import UserSession
from users.tests.factories import UserSessionFactory

pytestmark = pytest.mark.django_db

END = "/admin/users/usersession/end-everybodys/"
LIST = "/admin/users/usersession/"
REASON = {"reason": "Keys were leaked"}


@pytest.fixture
def root():
    return make_user(username="root", is_staff=True, is_superuser=True)


def open_rows():
    return UserSession.objects.active()


def test_asvs_7_4_5_staff_end_everybodys_sessions_but_their_own(root):
    client = browser_of(root)
    elsewhere = browser_of(root)
    UserSessionFactory.create_batch(3)

    asked = client.get(END).content.decode()
    response = client.post(END, REASON, follow=True)

    assert "4 sessions are open beside yours" in asked
    assert "4 sessions were ended" in response.content.decode()
    assert client.get("/api/v1/me").status_code == 200
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert open_rows().get().user == root
    assert AuditEvent.objects.filter(action="revoke", model="usersession").count() == 4
    event = AuditEvent.objects.get(action="end_sessions")
    assert (event.actor_id, event.changes["reason"]) == (root.pk, [None, "Keys were leaked"])


def test_asvs_7_5_3_it_takes_a_recent_step_up(root):
    client = browser_of(root, stepped_up=False)
    UserSessionFactory()

    for answer in (client.get(END), client.post(END, REASON)):
        assert answer["Location"].startswith("/accounts/step-up/?next=")
    assert open_rows().count() == 2


@pytest.mark.parametrize("reason", ["", "x", "x" * 501])
def test_it_takes_a_reason(root, reason):
    client = browser_of(root)
    UserSessionFactory()

    response = client.post(END, {"reason": reason})

    assert response.context["form"].errors["reason"]
    assert open_rows().count() == 2


def test_looking_ends_nothing(root):
    client = browser_of(root)
    UserSessionFactory()

    client.get(END, REASON)

    assert open_rows().count() == 2


def test_more_than_one_request_can_do_are_left_to_the_command(root, monkeypatch):
    monkeypatch.setattr(page, "MOST_IN_A_REQUEST", 2)
    client = browser_of(root)
    UserSessionFactory.create_batch(3)

    response = client.post(END, REASON)

    assert "manage.py end_sessions --all" in response.content.decode()
    assert open_rows().count() == 4


def test_it_takes_the_right_to_end_sessions():
    clerk = make_user(is_staff=True)
    role = RoleFactory(permissions=["users.view_usersession"])
    RoleAssignmentFactory(user=clerk, role=role)
    client = browser_of(clerk)

    assert client.post(END, REASON).status_code == 403
    assert END not in client.get(LIST).content.decode()


def test_the_list_leads_there(root):
    assert END in browser_of(root).get(LIST).content.decode()
