"""Invitations over the API: who sees them, and what each answer is."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from groups.models import Invitation
from groups.tests.factories import GroupFactory
from groups.tests.inviting import (
    GUEST,
    admin_of,
    again,
    fresh,
    group_with_owner,
    invited,
    member_of,
    role,
    token_in,
)
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ACCEPT, DECLINE = "/api/v1/invitations/accept", "/api/v1/invitations/decline"


def path(group, invitation=None, verb=""):
    below = f"/{invitation.pk}{verb}" if invitation else ""
    return f"/api/v1/groups/{group.pk}/invitations{below}"


def test_inviting_listing_resending_withdrawing_accepting(api_of):
    group = group_with_owner()
    admin, guest = api_of(admin_of(group)), UserFactory()

    made = admin.post(path(group), {"email": GUEST, "role": str(role("group-viewer").pk)})
    listed = admin.get(path(group))
    too_soon = admin.post(path(group, again_of(made), "/resend"))
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=6))
    resent = admin.post(path(group, again_of(made), "/resend"))
    token = token_in(mail.outbox[-1])
    accepted = api_of(guest).post(ACCEPT, {"token": token})
    over = admin.delete(path(group, again_of(made)))

    assert (made.status_code, made.data["state"], made.data["email"]) == (201, "pending", GUEST)
    assert "token" not in str(made.data)
    assert [row["id"] for row in listed.data["results"]] == [made.data["id"]]
    assert (too_soon.status_code, too_soon.json()["code"]) == (429, "throttled")
    assert 0 < int(too_soon["Retry-After"]) <= 300
    assert (resent.status_code, resent.data["sent_count"]) == (200, 2)
    assert (accepted.status_code, accepted.data["status"]) == (200, "active")
    assert accepted.data["role"] == role("group-viewer").pk
    assert (over.status_code, over.json()["code"]) == (409, "invitation_over")
    assert over.json()["detail"] == "It is over already: it was accepted."


def again_of(response):
    return Invitation.objects.get(pk=response.data["id"])


def test_only_those_who_run_the_group_see_whom_it_invited(api_of):
    group = group_with_owner(settings={"members_may_invite": True})
    invitation, _token = invited(group)
    member, stranger = member_of(group), UserFactory()
    public = GroupFactory(is_public=True)
    other, _token = invited(public)

    answers = {
        (name, method, at): getattr(api_of(user), method)(at).status_code
        for name, user in (("member", member), ("stranger", stranger))
        for method, at in (
            ("get", path(group)),
            ("delete", path(group, invitation)),
            ("post", path(group, invitation, "/resend")),
            ("get", path(public)),
            ("delete", path(public, other)),
            ("delete", path(public, invitation)),
        )
    }
    own = api_of(member).post(path(group), {"email": "mine@example.org"})
    withdrawn = api_of(member).delete(path(group, again_of(own)))

    assert [status for (name, *_), status in answers.items() if name == "member"] == [
        403, 404, 404, 403, 404, 404,
    ]  # fmt: skip
    assert [status for (name, *_), status in answers.items() if name == "stranger"] == [
        404, 404, 404, 403, 404, 404,
    ]  # fmt: skip
    assert again(invitation).is_pending
    assert (own.status_code, withdrawn.status_code) == (201, 204)
    assert api_of(stranger).post(path(public), {"email": GUEST}).status_code == 403


def test_the_list_costs_the_same_queries_however_many_there_are(api_of, django_assert_num_queries):
    group = group_with_owner()
    owner = fresh(group.owner)
    client = api_of(owner)
    for n in range(12):
        invited(group, by=owner, email=f"g{n}@example.org")
    client.get(path(group))  # writes down that the token is used

    # 1. token and user  2. the group, and 3. what they may do  4. the page
    with django_assert_num_queries(4):
        response = client.get(path(group), {"page_size": 10, "state": "pending"})

    assert len(response.data["results"]) == 10
    assert response.data["next"]
    for state, count in (("expired", 0), ("accepted", 0), ("withdrawn", 0), ("declined", 0)):
        assert len(client.get(path(group), {"state": state}).data["results"]) == count
    assert client.get(path(group), {"state": "lost"}).status_code == 400


def test_declining_takes_no_account_and_accepting_does(api, api_of):
    invitation, token = invited()

    assert api.post(ACCEPT, {"token": token}).status_code == 401
    assert api.post(DECLINE, {"token": token}).status_code == 204
    assert again(invitation).state == "declined"
    answer = api_of(UserFactory()).post(ACCEPT, {"token": token})
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_over")


def test_a_token_without_the_scope_joins_no_group(api_of):
    _row, token = invited()
    guest = UserFactory()

    refused = api_of(guest, scopes=["items.view_item"]).post(ACCEPT, {"token": token})
    accepted = api_of(guest, scopes=["groups.add_membership"]).post(ACCEPT, {"token": token})

    assert (refused.status_code, accepted.status_code) == (403, 200)


BAD = ["\0", "\ud800", "x" * 300, "", None, 7, [], {}, True]


@pytest.mark.parametrize("value", BAD, ids=repr)
def test_bad_input_is_named(api_of, value):
    group = group_with_owner()
    client = api_of(fresh(group.owner))
    optional = {"membership_expires_at"} if value is None else set()
    for name in ("email", "role", "rank", "membership_expires_at"):
        if name in optional:
            continue
        answer = send(client, path(group), {"email": GUEST, name: value})
        assert answer.status_code == 400, (name, answer.content)
        assert name in str(answer.json()["errors"] if "errors" in answer.json() else answer.json())
    for at in (ACCEPT, DECLINE):
        answer = send(client, at, {"token": value})
        assert answer.status_code == 400, answer.content
        assert send(APIClient(), DECLINE, {"token": value}).status_code == 400
    assert not Invitation.objects.exists()


def send(client, at, body):
    data = json.dumps(body).encode()
    return client.generic("POST", at, data, "application/json")


def test_nobody_is_invited_by_a_number_of_ten_thousand_digits(api_of):
    group = group_with_owner()
    body = b'{"email": ' + b"9" * 10_000 + b"}"

    answer = api_of(fresh(group.owner)).generic("POST", path(group), body, "application/json")

    assert answer.status_code == 400
