"""How long invitations are kept, and what an export and a closed account do with them."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from authentication.personal_data.closing import close_account
from core.errors import ConflictError
from core.personal_data import declarations
from core.retention import purge, rules_named
from groups.models import Invitation
from groups.services.invitations import accept_invitation
from groups.tests.inviting import admin_of, group_with_owner, invited
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_purge_removes_what_has_been_over_for_longer_than_its_days(settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "tokens": 30}
    group = group_with_owner()
    old, young = timezone.now() - timedelta(days=31), timezone.now() - timedelta(days=29)
    for n, field in enumerate(["accepted_at", "declined_at", "withdrawn_at", "expires_at"]):
        for age, moment in (("old", old), ("young", young)):
            row, _token = invited(group, email=f"{age}{n}@example.org")
            Invitation.objects.filter(pk=row.pk).update(**{field: moment})
    [rule] = rules_named(["invitations"])

    counted = rule.count(rule.before())
    removed = purge(rule)

    assert (counted.removed, removed.removed) == (4, 4)
    kept = Invitation.objects.values_list("email", flat=True)
    assert all(email.startswith("young") for email in kept)


def test_an_export_holds_what_was_sent_to_a_verified_address_and_what_was_accepted():
    user, group = UserFactory(), group_with_owner()
    EmailAddress.objects.create(user=user, email="Mine@example.org", verified=True)
    EmailAddress.objects.create(user=user, email="claimed@example.org", verified=False)
    invited(group, email="claimed@example.org")
    invited(group, email="mine@example.org")
    other, token = invited(group, email="other@example.org")
    accept_invitation(actor=user, token=token)
    [declared] = [one for one in declarations() if one.name == "invitations"]

    rows = list(declared.read(user))

    assert [bool(row["accepted_at"]) for row in rows] == [False, True]
    assert "other@example.org" not in str(rows)
    assert other.token_hash not in str(rows)


def test_closing_an_account_takes_its_invitations_and_voids_those_it_sent():
    group = group_with_owner()
    admin = admin_of(group)
    EmailAddress.objects.create(user=admin, email=admin.email, verified=True)
    invited(group_with_owner(), email=admin.email)
    sent, token = invited(group, by=admin)

    close_account(user=admin)

    assert list(Invitation.objects.all()) == [sent]
    with pytest.raises(ConflictError):
        accept_invitation(actor=UserFactory(), token=token)
