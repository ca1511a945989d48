import pytest
from django.core import mail

from authentication.tests.passkeys.callers import Caller, add_passkey
from authentication.tests.people import make_user


@pytest.fixture
def user():
    return make_user(username="anna")


@pytest.fixture
def key(user):
    """A passkey of ``user``, as the authenticator that holds it."""
    made = add_passkey(user)
    mail.outbox.clear()
    return made


@pytest.fixture(params=["browser", "app"])
def caller(request):
    return Caller(request.param)


@pytest.fixture
def flagged(user):
    type(user).objects.filter(pk=user.pk).update(totp_required=True)
    return user
