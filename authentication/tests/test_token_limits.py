"""Access and session tokens are not guessed without limit."""

import pytest

from authentication.tests.account_clients import Headless
from authentication.tests.people import make_user
from authentication.tests.tries import (
    within_one_window,  # noqa: F401 (a fixture)
)

pytestmark = pytest.mark.usefixtures("within_one_window")


def test_bad_access_tokens_are_not_guessed_without_limit(api, api_of, db):
    me = make_user()
    good = api_of(me)
    api.credentials(HTTP_AUTHORIZATION="Bearer tl_pat_no")

    answers = [api.get("/api/v1/me").status_code for _ in range(62)]
    elsewhere = api.get("/api/v1/me", REMOTE_ADDR="192.0.2.9").status_code

    assert answers[:60] == [401] * 60
    assert answers[60:] == [429] * 2
    assert elsewhere == 401
    # Not even a right one tells itself apart, unless it was used from here before.
    assert good.get("/api/v1/me").status_code == 429
    assert good.get("/api/v1/me", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_a_token_in_use_goes_on_while_its_neighbour_guesses(api, api_of, db):
    good = api_of(make_user())
    good.get("/api/v1/me")
    api.credentials(HTTP_AUTHORIZATION="Bearer tl_pat_no")
    for _ in range(62):
        api.get("/api/v1/me")

    assert good.get("/api/v1/me").status_code == 200


def test_bad_session_tokens_are_not_guessed_without_limit(api, db):
    session = Headless("app")
    session.sign_in(make_user())
    answers = []
    for number in range(62):
        api.credentials(HTTP_X_SESSION_TOKEN=f"{number:032}")
        answers.append(api.get("/api/v1/me").status_code)
    guesser = Headless("app")
    guesser.token = "a" * 32

    assert answers == [401] * 60 + [429] * 2
    assert guesser.call("get", "auth/session").status_code == 429
    assert session.is_signed_in()
