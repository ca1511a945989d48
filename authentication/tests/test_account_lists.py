"""The pages of sessions, devices and access tokens."""

import re
import time
import uuid

import pytest
from django.urls import reverse

from authentication.models import APIToken
from authentication.step_up import STEPPED_UP_AT
from core.models import AuditEvent
from users.models import EndReason, UserSession
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

SESSIONS, DEVICES, TOKENS = "/accounts/sessions/", "/accounts/devices/", "/accounts/tokens/"
MAKE = reverse("account_make_token")


@pytest.fixture
def user():
    user = UserFactory(username="ann")
    user.set_password("x")
    user.save()
    return user


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def stepped_up(signed_in):
    session = signed_in.session
    session[STEPPED_UP_AT] = time.time()
    session.save()
    return signed_in


def text_of(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


# --- Sessions -------------------------------------------------------------------------------


def test_sessions_are_listed_in_a_fixed_number_of_queries(
    signed_in, user, django_assert_num_queries
):
    mine = [UserSessionFactory(user=user, browser=f"Browser {n}") for n in range(3)]
    ended = UserSessionFactory(user=user, browser="Ended")
    UserSession.objects.filter(pk=ended.pk).update(
        ended_at=ended.created_at, end_reason=EndReason.EXPIRED, session_data=""
    )
    UserSessionFactory(browser="Somebody else's")

    # 1. session with user, and whether a role asks for a second factor  2. those that last
    # 3. those that ended last
    with django_assert_num_queries(3):
        page, past = text_of(signed_in, SESSIONS).split("Ended of late")

    assert all(session.browser in page for session in mine)
    assert page.count("This one") == 1
    assert "Ended" not in page
    assert ("Ended" in past, "Expired" in past) == (True, True)
    assert "Somebody else" not in page + past


def test_asvs_7_5_2_ending_a_session_needs_a_step_up(signed_in, user):
    other = UserSessionFactory(user=user)
    end = reverse("account_end_session", args=[other.pk])

    assert end not in text_of(signed_in, SESSIONS)
    response = signed_in.post(end)

    assert response["Location"] == f"{reverse('account_step_up')}?next=%2Faccounts%2Fsessions%2F"
    other.refresh_from_db()
    assert other.ended_at is None


def test_a_session_is_ended_and_the_trail_says_so(stepped_up, user):
    other, third = UserSessionFactory.create_batch(2, user=user)
    end = reverse("account_end_session", args=[other.pk])
    assert end in text_of(stepped_up, SESSIONS)

    response = stepped_up.post(end, follow=True)

    assert "The session is ended." in response.content.decode()
    other.refresh_from_db()
    third.refresh_from_db()
    assert other.end_reason == EndReason.REVOKED_BY_OWNER
    assert third.ended_at is None
    assert AuditEvent.objects.filter(action="revoke", object_id=str(other.pk)).exists()


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's"])
def test_only_sessions_of_ones_own_are_ended(stepped_up, user, whose):
    pk = uuid.uuid4() if whose == "nobody's" else UserSessionFactory().pk

    assert stepped_up.post(reverse("account_end_session", args=[pk])).status_code == 404
    assert not UserSession.objects.exclude(ended_at=None).exists()


def test_the_session_in_use_is_signed_out_of_and_not_ended(stepped_up):
    this = reverse("account_end_session", args=[stepped_up.session.row_id])

    response = stepped_up.post(this, follow=True)

    assert "Sign out instead." in response.content.decode()
    assert not UserSession.objects.exclude(ended_at=None).exists()


def test_all_other_sessions_end_at_once(stepped_up, user):
    UserSessionFactory.create_batch(3, user=user)
    elsewhere = UserSessionFactory()

    response = stepped_up.post(reverse("account_end_other_sessions"), follow=True)

    assert "3 sessions are ended." in response.content.decode()
    still_open = set(UserSession.objects.filter(ended_at=None).values_list("pk", flat=True))
    assert still_open == {stepped_up.session.row_id, elsewhere.pk}


# --- Devices --------------------------------------------------------------------------------


def test_devices_are_listed_in_a_fixed_number_of_queries(
    signed_in, user, django_assert_num_queries
):
    for n in range(3):
        DeviceFactory(user=user, browser=f"Browser {n}", os="Linux")
    DeviceFactory(browser="Somebody else's")

    # 1. session with user  2. this session's device  3. the list
    with django_assert_num_queries(3):
        page = text_of(signed_in, DEVICES)

    assert page.count("on Linux") == 3
    assert "Somebody else" not in page


def test_a_list_without_devices_says_what_adds_one(signed_in):
    assert "the next sign-in adds one" in text_of(signed_in, DEVICES)


def test_a_device_is_renamed_by_its_owner_only(stepped_up, user):
    mine, other = DeviceFactory(user=user), DeviceFactory()

    stepped_up.post(reverse("account_rename_device", args=[mine.pk]), {"name": " Desk "})
    refused = stepped_up.post(reverse("account_rename_device", args=[other.pk]), {"name": "x"})

    mine.refresh_from_db()
    assert mine.name == "Desk"
    assert refused.status_code == 404


@pytest.mark.parametrize("name", ["x" * 101, "a\0b"])
def test_a_bad_name_is_refused_and_changes_nothing(stepped_up, user, name):
    device = DeviceFactory(user=user, name="Desk")

    response = stepped_up.post(
        reverse("account_rename_device", args=[device.pk]), {"name": name}, follow=True
    )

    device.refresh_from_db()
    assert device.name == "Desk"
    assert 'class="error"' in response.content.decode()


# --- Tokens ---------------------------------------------------------------------------------


def token_in(response):
    return re.search(r"tl_pat_\w{46}", response.content.decode()).group(0)


def test_a_token_is_made_shown_once_and_works(stepped_up, client, user):
    response = stepped_up.post(MAKE, {"name": "Laptop", "scopes": "", "expires_at": "90"})
    secret = token_in(response)

    bearer = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/me", headers=bearer).json()["username"] == "ann"
    assert secret not in text_of(stepped_up, TOKENS)
    assert "no-store" in response["Cache-Control"]
    token = APIToken.objects.get()
    assert 89 <= (token.expires_at - token.created_at).days <= 90


def test_making_a_token_needs_a_step_up(signed_in):
    response = signed_in.post(MAKE, {"name": "Laptop", "expires_at": "90"})

    assert response["Location"].startswith(reverse("account_step_up"))
    assert not APIToken.objects.exists()


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"name": "", "expires_at": "90"}, "This field is required"),
        ({"name": "x", "expires_at": "7"}, "Select a valid choice"),
        ({"name": "x", "expires_at": "90", "scopes": "items.viw_item"}, "Did you mean"),
        ({"name": "a\0b", "expires_at": "90"}, "Null characters"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_keeps_the_rest(stepped_up, form, complaint):
    page = stepped_up.post(MAKE, form).content.decode()

    assert complaint in page
    assert not APIToken.objects.exists()


def test_a_token_is_revoked_by_its_owner_only(stepped_up, user):
    mine = APIToken.objects.create(user=user, name="Mine", prefix="a", token_hash="a")
    other = APIToken.objects.create(user=UserFactory(), name="x", prefix="b", token_hash="b")

    stepped_up.post(reverse("account_revoke_token", args=[mine.pk]))
    refused = stepped_up.post(reverse("account_revoke_token", args=[other.pk]))

    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.revoked_at
    assert refused.status_code == 404
    assert other.revoked_at is None
    assert "Revoked" in text_of(stepped_up, TOKENS)


@pytest.mark.parametrize("address", [SESSIONS, DEVICES, TOKENS])
def test_a_stranger_is_led_to_the_sign_in_page(client, address):
    assert client.get(address)["Location"].startswith("/accounts/login/")
