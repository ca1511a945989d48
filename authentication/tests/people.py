"""People who can sign in."""

from allauth.account.models import EmailAddress

from users.tests.factories import UserFactory

PASSWORD = "correct horse battery staple"


def make_user(*, password=PASSWORD, verified=True, **fields):
    """A user with an address and a password; without one, when it is empty."""
    user = UserFactory(**fields)
    user.set_password(password or None)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user
