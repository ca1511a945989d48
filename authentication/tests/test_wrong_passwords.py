"""Who signs in after several wrong passwords is told: it may have been somebody else."""

import pytest
from django.core import mail
from django.test import Client

from authentication.sign_ins import TOLD_AFTER
from authentication.tests.account_clients import (
    mails_at_once,  # noqa: F401 (a fixture)
)
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.tries import WRONG, post_login, within_one_window  # noqa: F401

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("mails_at_once", "within_one_window"),
]
SUBJECT = "Signed in after several wrong passwords"


@pytest.mark.parametrize(("wrong", "told"), [(TOLD_AFTER, 1), (TOLD_AFTER - 1, 0)])
def test_asvs_6_3_5_a_right_password_after_five_wrong_ones_is_told(settings, wrong, told):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed": "99/m/ip"}
    make_user(username="ada")
    for _try in range(wrong):
        post_login(Client(), "ada", WRONG)

    post_login(Client(), "ada", PASSWORD)

    assert [message.subject for message in mail.outbox].count(SUBJECT) == told
