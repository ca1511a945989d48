"""Answers of passkeys that arrive at the same moment."""

import pytest

from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import Authenticator
from authentication.tests.passkeys.callers import (
    Caller,
    add_passkey,
    begin_pending,
    events,
)
from authentication.tests.people import make_user
from core.tests.parallel import at_once

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_asvs_6_5_1_one_challenge_answered_by_many_at_once_signs_in_once():
    user = make_user(username="anna")
    key = add_passkey(user, counts=False)
    caller = Caller("app")
    caller.password(user)
    answer = key.get(caller.ask())
    twins = [caller.copy() for _number in range(6)]

    outcomes = at_once(*[lambda twin=twin: twin.answer(answer).status_code for twin in twins])

    assert outcomes.count(200) == 1, outcomes
    assert events("passkey_used").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_counter_value_used_by_two_sign_ins_at_once_is_accepted_once():
    user = make_user(username="anna")
    key = add_passkey(user)
    callers = [Caller("app") for _number in range(4)]
    answers = []
    for caller in callers:
        caller.password(user)
        answers.append(key.get(caller.ask(), counter=5))

    outcomes = at_once(
        *[
            lambda caller=caller, answer=answer: caller.answer(answer).status_code
            for caller, answer in zip(callers, answers, strict=True)
        ]
    )

    assert outcomes.count(200) == 1, outcomes


@pytest.mark.django_db(transaction=True)
def test_one_registration_answered_by_many_at_once_makes_one_passkey():
    user = make_user(username="anna")
    caller = Caller("app")
    caller.password(user)
    answer = Authenticator().create(caller.begin())
    twins = [caller.copy() for _number in range(6)]

    outcomes = at_once(*[lambda twin=twin: twin.complete(answer).status_code for twin in twins])

    assert outcomes.count(200) == 1, outcomes
    assert Passkey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_passkeys_at_once_are_one():
    user = make_user(username="anna", totp_required=True)
    callers = [Caller("app") for _number in range(4)]
    answers = []
    for caller in callers:
        caller.password(user)
        answers.append(Authenticator().create(begin_pending(caller)))

    outcomes = at_once(
        *[
            lambda caller=caller, answer=answer: caller.complete(answer).status_code
            for caller, answer in zip(callers, answers, strict=True)
        ]
    )

    assert outcomes.count(200) == 1, outcomes
    assert Passkey.objects.count() == 1
