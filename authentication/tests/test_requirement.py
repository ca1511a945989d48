"""Whoever must use a second factor gets nowhere without it, whichever way they come."""

import re

import pytest
from django.core import mail
from rest_framework.test import APIClient

from authentication.models import TOTPDevice
from authentication.services.api_tokens import create_api_token
from authentication.tests.clients import (
    ENROL,
    FACTORS,
    LOGIN,
    OTP,
    STEP_UP,
    AppClient,
    BrowserClient,
    make_app,
    pending_flows,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from authorization.models import Role, RoleAssignment

pytestmark = pytest.mark.django_db
ME = "/api/v1/me"
NEW_PASSWORD = "another correct horse battery"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def app(user):
    return make_app(user)


def token_client(user):
    _token, secret = create_api_token(actor=user, user=user, name="test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def demand(user, by):
    """Make ``user`` somebody who must use a second factor."""
    if by == "own mark":
        type(user).objects.filter(pk=user.pk).update(totp_required=True)
    elif by == "staff":
        type(user).objects.filter(pk=user.pk).update(is_staff=True)
    else:
        role = Role.objects.create(name="Keeper", slug="keeper", totp_required=True)
        RoleAssignment.objects.create(user=user, role=role)
    user.refresh_from_db()


# --- Every way in ---------------------------------------------------------------------------


@pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
def test_asvs_6_3_4_a_password_alone_makes_no_usable_session_in_the_api(client_class, user, app):
    client = client_class()

    assert pending_flows(client.enter_password(user)) == ["otp"]
    assert not client.is_signed_in()


@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/"])
def test_asvs_6_3_4_a_password_alone_makes_no_usable_session_on_a_page(client, user, app, page):
    response = client.post(page, {"login": user.username, "password": PASSWORD}, follow=False)
    if page == "/admin/login/":
        response = client.post(response["Location"], {"login": user.username, "password": PASSWORD})

    assert response["Location"] == OTP
    assert client.get(ME).status_code in (401, 403)


def test_nist_4_2_2_2_a_reset_link_does_not_get_past_the_second_factor(client, user, app):
    client.post("/accounts/password/reset/", {"email": user.email})
    link = re.search(r"https?://[^/\s]+(/accounts/password/reset/\S+)", mail.outbox[-1].body)
    page = client.get(link.group(1), follow=True)
    address = page.redirect_chain[-1][0]
    client.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    assert client.get(ME).status_code in (401, 403)
    response = client.post(LOGIN, {"login": user.username, "password": NEW_PASSWORD})
    assert response["Location"] == OTP
    assert client.get(ME).status_code in (401, 403)


# --- Access tokens --------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["own mark", "staff", "role"])
def test_asvs_6_3_3_a_token_of_who_must_have_a_factor_and_has_none_is_refused(settings, user, by):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    client = token_client(user)
    assert client.get(ME).status_code == 200

    demand(user, by)

    refused = client.get(ME)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    make_app(user, confirmed=False)
    assert client.get(ME).status_code == 403
    make_app(user)
    assert client.get(ME).status_code == 200


def test_a_token_makes_tokens_without_a_step_up(user):
    response = token_client(user).post("/api/v1/me/tokens", {"name": "CI"})

    assert response.status_code == 201


def test_me_costs_two_queries_at_most_with_an_access_token(user, django_assert_num_queries):
    client = token_client(user)
    demand(user, "own mark")
    make_app(user)

    # 1. the token, its owner, what a role demands and whether there is a factor
    # 2. the moment of use, once a minute
    with django_assert_num_queries(2):
        assert client.get(ME).status_code == 200
    # 1. the same; the moment of use stands
    with django_assert_num_queries(1):
        assert client.get(ME).status_code == 200


@pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
def test_me_costs_one_query_in_a_session(client_class, user, app, django_assert_num_queries):
    demand(user, "role")
    client = client_class().sign_in(user, code_of(app))

    # 1. the session, its user, and what a role demands
    with django_assert_num_queries(1):
        assert client.is_signed_in()


# --- Sessions from before the demand --------------------------------------------------------


@pytest.mark.parametrize("by", ["own mark", "staff", "role"])
@pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
def test_asvs_6_3_3_a_session_is_held_as_soon_as_a_factor_is_demanded(
    settings, client_class, user, by
):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    client = client_class().sign_in(user)
    assert client.is_signed_in()

    demand(user, by)

    held = client.request("GET", ME)
    assert (held.status_code, held.json()["code"]) == (403, "second_factor_required")
    assert client.call("GET", "account/email").status_code == 403
    assert client.call("GET", "auth/session").status_code == 200


@pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
def test_a_held_session_may_set_a_factor_up_and_goes_on(client_class, user):
    client = client_class().sign_in(user)
    demand(user, "own mark")

    client.step_up()
    client.call("POST", "account/second-factors", {})
    device = TOTPDevice.objects.get()
    client.call("POST", f"account/second-factors/app-{device.pk}", {"code": code_of(device)})

    assert client.is_signed_in()


def test_a_held_session_is_led_to_enrolment_and_then_to_where_it_was_going(client, user):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    demand(user, "own mark")

    first = client.get("/accounts/email/", follow=True)
    step_up_page = first.redirect_chain[-1][0]
    enrol = client.post(step_up_page, {"password": PASSWORD})["Location"]
    client.get(enrol)
    done = client.post(enrol, {"code": code_of(TOTPDevice.objects.get())})

    assert step_up_page.startswith(STEP_UP)
    assert enrol.startswith(ENROL)
    assert done.context["continue_url"] == "/accounts/email/"
    assert client.get("/accounts/email/").status_code == 200


def test_a_held_session_with_a_factor_is_led_to_prove_it(client, user):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    app = make_app(user)
    demand(user, "own mark")

    page = client.get("/accounts/email/", follow=True).redirect_chain[-1][0]
    assert page.startswith(STEP_UP)
    done = client.post(page, {"password": PASSWORD, "code": code_of(app)})

    assert done["Location"] == "/accounts/email/"
    assert client.get("/accounts/email/").status_code == 200


@pytest.mark.parametrize("action", ["app-{pk}/remove/", "app-{pk}/rename/", "backup-codes/"])
def test_a_held_session_changes_no_factor(client, user, action):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    client.post(STEP_UP, {"password": PASSWORD})
    app = make_app(user)
    demand(user, "own mark")

    response = client.post(FACTORS + action.format(pk=app.pk), {"name": "x"})

    assert response.status_code == 302
    assert TOTPDevice.objects.get().name == "Phone"
