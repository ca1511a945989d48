"""Invitations in the admin: sent by a form, sent again and withdrawn after a question."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from groups.models import Invitation
from groups.services.invitations import accept_invitation
from groups.tests.factories import GroupFactory
from groups.tests.inviting import GUEST, group_with_owner, invited, role, token_in
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

INVITATIONS = "/admin/groups/invitation/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def filled(group, **changes):
    return {"group": str(group.pk), "email": GUEST, "role": "", "rank": "member", **changes}


def test_inviting_sends_a_mail_and_shows_no_token(client, root):
    group = GroupFactory()
    opened = client.get(f"{INVITATIONS}add/?group={group.pk}").content.decode()

    client.post(INVITATIONS + "add/", filled(group, rank="admin", role=str(role("group-admin").pk)))
    twice = client.post(INVITATIONS + "add/", filled(group))
    bad = client.post(INVITATIONS + "add/", filled(group, email="nobody"))

    row = Invitation.objects.get()
    assert str(group) in opened
    assert (row.invited_by, row.rank, row.role.slug) == (root, "admin", "group-admin")
    [message] = mail.outbox
    token = token_in(message)
    for name, response in (("email", twice), ("email", bad)):
        assert name in response.context["adminform"].form.errors
    for page in (INVITATIONS, f"{INVITATIONS}{row.pk}/change/", f"{INVITATIONS}{row.pk}/history/"):
        body = client.get(page).content.decode()
        assert token not in body
        assert row.token_hash not in body
    assert accept_invitation(actor=UserFactory(), token=token).rank == "admin"


def test_sending_again_and_withdrawing_ask_first(client, root):
    row, old = invited()
    over, _token = invited(email="over@example.org")
    Invitation.objects.filter(pk=over.pk).update(declined_at=timezone.now())
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=6))
    bulk = {"_selected_action": [str(row.pk), str(over.pk)], "confirmed": "yes"}

    page = client.get(f"{INVITATIONS}{row.pk}/do/resend/").content.decode()
    assert len(mail.outbox) == 2
    client.post(INVITATIONS, bulk | {"action": "resend"})
    too_soon = client.post(f"{INVITATIONS}{row.pk}/do/resend/", {}, follow=True)
    answer = client.post(INVITATIONS, bulk | {"action": "withdraw"}, follow=True)

    row.refresh_from_db()
    assert "A new link is mailed" in page
    assert (len(mail.outbox), row.sent_count, row.invited_by) == (3, 2, root)
    assert token_in(mail.outbox[-1]) != old
    assert "It was just sent" in too_soon.content.decode()
    assert "Withdraw: 1 done." in answer.content.decode()
    assert "1 is left as it is." in answer.content.decode()
    assert row.state == "withdrawn"
    assert client.post(f"{INVITATIONS}{row.pk}/do/resend/").status_code == 403


def test_staff_invite_nobody_as_more_than_they_hold(client):
    clerk = UserFactory(is_staff=True)
    permissions = ["groups.add_invitation", "groups.view_invitation"]
    RoleAssignmentFactory(user=clerk, role=RoleFactory(permissions=permissions))
    client.force_login(clerk)
    row, _token = invited(group_with_owner())

    response = client.post(INVITATIONS + "add/", filled(row.group, email="b@example.org"))

    assert "role" in response.context["adminform"].form.errors
    assert client.post(f"{INVITATIONS}{row.pk}/do/withdraw/").status_code == 403
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("state", ["pending", "expired", "accepted", "declined", "withdrawn"])
def test_the_list_is_narrowed_down_by_state(client, root, state):
    row, _token = invited()
    invited(email="other@example.org")
    if state != "pending":
        moment = "expires_at" if state == "expired" else f"{state}_at"
        Invitation.objects.filter(pk=row.pk).update(**{moment: timezone.now()})
        assert Invitation.objects.get(pk=row.pk).state == state

    shown = client.get(INVITATIONS, {"state": state}).context["cl"].result_list

    assert (row in shown, len(shown)) == (True, 2 if state == "pending" else 1)
