"""Inviting by e-mail: who may, as what, how often; and what a mail says."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError, TooOftenError
from core.models import AuditEvent
from core.rates import Rate, peek
from groups.models import Invitation, Membership
from groups.services.invitations import (
    MOST_MAILS,
    RESEND_AFTER,
    InvitationOverError,
    accept_invitation,
    decline_invitation,
    invite,
    resend_invitation,
    withdraw_invitation,
)
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


def events(invitation):
    rows = AuditEvent.objects.filter(model="invitation", object_id=str(invitation.pk))
    return list(rows.order_by("id").values_list("action", flat=True))


def later(settings=None, **delta):
    """Let time pass for every invitation there is."""
    for row in Invitation.objects.all():
        row.sent_at -= timedelta(**delta)
        row.expires_at -= timedelta(**delta)
        row.save()


def test_an_invitation_is_kept_as_a_hash_and_its_address_stays_out_of_the_trail():
    group = group_with_owner(settings={"invitation_days": 3})

    invitation, token = invited(group, email="  Guest@Example.org ")

    row = again(invitation)
    assert len(token) >= 43  # 256 bits
    assert token not in str(Invitation.objects.values())
    assert (row.email, row.rank, row.role.slug) == (GUEST, "member", "group-member")
    days = (row.expires_at - timezone.now()) / timedelta(days=1)
    assert 2.99 < days < 3
    assert events(row) == ["invite"]
    trail = str(list(AuditEvent.objects.values()))
    assert GUEST not in trail
    assert token not in trail
    assert row.token_hash not in trail


def test_the_mail_shows_names_of_strangers_without_links_and_says_what_to_do():
    owner = UserFactory(username="win.example.com")
    group = GroupFactory(owner=owner, name="Free http://evil.example/now money")

    invite(actor=fresh(owner), group=group, email=GUEST)

    [message] = mail.outbox
    assert message.to == [GUEST]
    assert "evil.example" not in message.body
    assert "win.example.com" not in message.body
    assert "Free http" in message.body
    assert "If you do not want this" in message.body
    assert "evil.example" not in message.alternatives[0][0]


def test_the_answer_and_the_mail_are_the_same_whether_or_not_there_is_an_account():
    UserFactory(email="known@example.org", locale="de")
    group = group_with_owner()

    known, _token = invited(group, email="known@example.org")
    unknown, _token = invited(group, email=GUEST)

    first, second = (
        {
            name: value
            for name, value in vars(row).items()
            if name in ("rank", "role_id", "sent_count")
        }
        for row in (known, unknown)
    )
    assert first == second
    texts = [message.body.replace(token_in(message), "") for message in mail.outbox]
    assert texts[0] == texts[1]
    # Nor is it refused for who is a member: only the one who opens it is told.
    member = member_of(group, user=UserFactory(email="member@example.org"))
    _row, token = invited(group, email=member.email)
    with pytest.raises(ConflictError, match="member already"):
        accept_invitation(actor=member, token=token)


def test_who_may_invite_and_as_what():
    group = group_with_owner()
    admin, member = admin_of(group), member_of(group)
    strong = RoleFactory(scope="group", permissions=["users.change_user"])
    for actor, offer, error in (
        (UserFactory(), {}, NotAllowedError),
        (member, {}, NotAllowedError),
        (admin, {"rank": "admin"}, NotAllowedError),
        (admin, {"role": strong}, NotAllowedError),
        (admin, {"role": role("group-owner")}, NotAllowedError),
        (admin, {"role": role("auditor")}, DomainError),
        (admin, {"rank": "king"}, DomainError),
        (admin, {"membership_expires_at": timezone.now()}, DomainError),
        (admin, {"email": "no address"}, ValidationError),
        (admin, {"email": "a@example.org\nBcc: b@example.org"}, ValidationError),
    ):
        with pytest.raises(error):
            invite(**{"actor": actor, "group": group, "email": GUEST, **offer})

    assert not Invitation.objects.exists()
    assert not mail.outbox
    invite(actor=admin, group=group, email=GUEST, role=role("group-admin"))
    invite(actor=fresh(group.owner), group=group, email="a@example.org", rank="owner")
    staff = UserFactory()
    RoleAssignmentFactory(user=staff, role=role("administrator"))
    invite(actor=fresh(staff), group=group, email="b@example.org", rank="admin")


def test_members_invite_members_where_the_group_lets_them():
    group = group_with_owner(settings={"members_may_invite": True})
    member = member_of(group, role=role("group-viewer"))
    expired = member_of(group, expires_at=timezone.now() - timedelta(minutes=1))

    invitation, token = invited(group, by=member)

    for actor, offer in (
        (member, {"rank": "admin"}),
        (member, {"role": role("group-admin")}),
        (expired, {}),
        (UserFactory(), {}),
    ):
        with pytest.raises(NotAllowedError):
            invite(actor=actor, group=group, email="other@example.org", **offer)
    withdraw_invitation(actor=member, invitation=invitation)
    with pytest.raises(InvitationOverError, match="withdrawn"):
        accept_invitation(actor=UserFactory(), token=token)


def test_a_temporary_inviter_invites_until_their_own_end_at_most():
    group = group_with_owner()
    end = timezone.now() + timedelta(days=5)
    admin = admin_of(group, expires_at=end)
    for until in (None, end + timedelta(seconds=1)):
        with pytest.raises(NotAllowedError) as caught:
            invite(actor=admin, group=group, email=GUEST, membership_expires_at=until)
        assert caught.value.field == "membership_expires_at"

    _row, token = invited(group, by=admin, membership_expires_at=end)

    assert accept_invitation(actor=UserFactory(), token=token).expires_at == end


def test_nobody_is_invited_twice_nor_into_what_nobody_can_join():
    group = group_with_owner()
    first, _token = invited(group)
    with pytest.raises(ConflictError, match="already"):
        invite(actor=fresh(group.owner), group=group, email=GUEST.upper())

    later(days=8)
    second, _token = invited(group)  # what has expired makes way

    assert (again(first).state, second.state) == ("withdrawn", "pending")
    group.is_active = False
    group.save()
    with pytest.raises(ConflictError, match="archived"):
        invite(actor=fresh(group.owner), group=group, email="x@example.org")
    group.delete()
    with pytest.raises(ConflictError, match="deleted"):
        invite(actor=fresh(group.owner), group=group, email="x@example.org")


def test_resending_makes_a_new_token_and_the_old_one_dies():
    group = group_with_owner()
    invitation, old = invited(group)
    with pytest.raises(TooOftenError) as caught:
        resend_invitation(actor=fresh(group.owner), invitation=invitation)
    assert 0 < caught.value.wait <= RESEND_AFTER.total_seconds()

    later(days=8)  # an expired one works again, too
    admin = admin_of(group)
    resend_invitation(actor=admin, invitation=invitation)

    row, new = again(invitation), token_in(mail.outbox[-1])
    assert (row.sent_count, row.invited_by, row.has_expired) == (2, admin, False)
    assert events(row) == ["invite", "resend"]
    with pytest.raises(DomainError, match="No invitation has this token"):
        accept_invitation(actor=UserFactory(), token=old)
    Invitation.objects.update(sent_count=MOST_MAILS)
    later(minutes=6)
    with pytest.raises(ConflictError, match=f"{MOST_MAILS} times"):
        resend_invitation(actor=admin, invitation=row)
    accept_invitation(actor=UserFactory(), token=new)
    with pytest.raises(InvitationOverError):
        resend_invitation(actor=admin, invitation=row)


def test_withdrawing_takes_the_right_and_a_rank_above_the_one_offered():
    group = group_with_owner()
    owners, _token = invited(group, rank="admin")
    plain, _token = invited(group, email="b@example.org")
    admin = admin_of(group)
    for actor, invitation in ((member_of(group), plain), (admin, owners), (UserFactory(), plain)):
        with pytest.raises(NotAllowedError):
            withdraw_invitation(actor=actor, invitation=invitation)

    withdraw_invitation(actor=admin, invitation=plain)

    assert events(plain) == ["invite", "withdraw"]
    with pytest.raises(InvitationOverError):
        withdraw_invitation(actor=admin, invitation=plain)


@pytest.mark.parametrize(
    ("kind", "over"), [("inviter", "1/h/user"), ("group", "1/d/key"), ("address", "1/d/key")]
)
def test_asvs_6_3_1_mails_are_limited_by_inviter_group_and_address(settings, kind, over):
    settings.INVITATION_RATE_LIMITS = {**settings.INVITATION_RATE_LIMITS, kind: over}
    owner = UserFactory()
    one, two = GroupFactory.create_batch(2, owner=owner)
    same = {
        "inviter": {"actor": fresh(owner), "group": two, "email": "b@example.org"},
        "group": {"actor": admin_of(one), "group": one, "email": "b@example.org"},
        "address": {"actor": fresh(two.owner), "group": two, "email": GUEST},
    }
    invite(actor=fresh(owner), group=one, email=GUEST)

    with pytest.raises(TooOftenError) as caught:
        invite(**same[kind])

    assert caught.value.wait > 0
    assert Invitation.objects.count() == len(mail.outbox) == 1
    by_owner = peek(f"invitation_inviter:{owner.pk}", Rate(30, 3_600))
    assert kind != "address" or by_owner.number == 2  # what was refused used nothing up


def test_declining_takes_no_account_and_ends_it():
    invitation, token = invited()

    decline_invitation(token=token)

    assert again(invitation).state == "declined"
    assert AuditEvent.objects.get(action="decline").actor_id is None
    assert not Membership.objects.filter(status="active").exclude(rank="owner").exists()
    for answer in (
        lambda: decline_invitation(token=token),
        lambda: accept_invitation(actor=UserFactory(), token=token),
    ):
        with pytest.raises(InvitationOverError, match="declined"):
            answer()
