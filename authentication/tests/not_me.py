"""Links of notices, and what follows from them: shared by the tests of "this was not me"."""

import re
from datetime import UTC, datetime

from authentication.mails.reports import Claim, token_of
from core.models import AuditEvent
from users.email_addresses import own_address
from users.models import UserSession
from users.tests.factories import UserFactory

PASSWORD = "correct horse battery staple"
MINE = "anna@example.org"


def make_anna():
    user = UserFactory(username="anna", email=MINE)
    user.set_password(PASSWORD)
    user.save()
    own_address(user, email=MINE, verified=True)
    return user


def link_to(user, notice, **fields):
    """The path of the link that a notice of now carries."""
    values = {
        "user_id": user.pk,
        "notice": str(notice),
        "session_id": None,
        "email": user.email,
        "may_restore": True,
        "issued_at": datetime.now(UTC),
    }
    return f"/accounts/not-me/{token_of(Claim(**values | fields))}/"


def mailed_link(message):
    return re.search(r"http://\S+?(/accounts/not-me/\S+)", message.body).group(1)


def mailed_reset(message):
    return re.search(r"http://\S+?(/accounts/password/reset/key/\S+)", message.body).group(1)


def open_sessions(user):
    return set(UserSession.objects.filter(user=user, ended_at=None).values_list("pk", flat=True))


def reports(user):
    events = AuditEvent.objects.filter(action="reported_not_me", object_id=str(user.pk))
    return [event.changes for event in events.filter(model="user")]
