"""What people read of what has happened to their account, and what they do not."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from authentication.services.accounts import change_password, require_second_factor
from authentication.services.accounts import end_sessions as end_by_staff
from authentication.services.api_tokens import create_api_token, revoke_api_token
from authentication.services.second_factors import confirm_totp, remove_factor, start_totp
from authentication.tests.clients import AppClient, make_app
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from authentication.timeline import EVENTS, KINDS
from core import audit
from core.models import AuditEvent
from users.models import EndReason, UserSession

pytestmark = pytest.mark.django_db

TIMELINE, PAGE = "/api/v1/me/timeline", "/accounts/timeline/"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def staff():
    return make_user(username="the-desk", is_staff=True, is_superuser=True)


def timeline(api, query=""):
    response = api.get(TIMELINE + query)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def actions(rows):
    return [row["action"] for row in rows]


def record(user, action, **changes):
    with transaction.atomic():
        pairs = {name: (None, value) for name, value in changes.items()}
        audit.record(action=action, target=user, changes=pairs)


def test_asvs_7_5_2_sign_ins_and_refusals_are_told_with_where_from(user, api_of):
    client = AppClient()
    client.enter_password(user, "not it at all, sorry")
    client.sign_in(user)

    told = {row["action"]: row for row in timeline(api_of(user))}

    signed_in, failed = told["sign_in"], told["sign_in_failed"]
    assert (signed_in["outcome"], signed_in["by"], signed_in["subject"]) == (
        "success", "you", "password",
    )  # fmt: skip
    assert (failed["outcome"], failed["by"], failed["reason"]) == ("failure", "", "wrong password")
    assert failed["ip"] == "127.0.0.1"
    assert failed["words"] == "A sign-in failed"


def test_what_opens_the_account_is_told_newest_first(user, api_of):
    device = start_totp(actor=user, user=user, name="Phone")
    confirm_totp(actor=user, device=device, code=code_of(device))
    change_password(actor=user, user=user, password="quiet violet harbour lanterns")
    token, _secret = create_api_token(actor=user, user=user, name="backup job")
    revoke_api_token(actor=user, token=token)

    rows = timeline(api_of(user))

    told = [(row["kind"], row["words"], row["subject"]) for row in rows]
    assert told[1:] == [  # after the token that asks
        ("token", "Access token revoked", "backup job"),
        ("token", "Access token made", "backup job"),
        ("password", "Password changed", ""),
        ("factor", "New backup codes made", "Backup codes"),
        ("factor", "Authenticator app added", "Phone"),
    ]
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_a_factor_that_staff_removed_is_told_although_it_is_gone(user, staff, api_of):
    device = start_totp(actor=user, user=user, name="Phone")
    confirm_totp(actor=user, device=device, code=code_of(device))
    remove_factor(actor=staff, device=device)

    row = next(r for r in timeline(api_of(user)) if r["words"] == "Authenticator app removed")

    assert (row["by"], row["subject"]) == ("staff", "Phone")


def test_what_staff_did_names_neither_them_nor_their_address(user, staff, api_of):
    AppClient().sign_in(user)
    end_by_staff(actor=staff, user=user)
    require_second_factor(actor=staff, user=user)
    type(user).objects.update(totp_required=False)  # else a token reads nothing

    response = api_of(user).get(TIMELINE)

    rows = {row["action"]: row for row in response.json()["results"]}
    assert rows["revoke"]["reason"] == "Ended by staff"
    assert rows["require_second_factor"]["by"] == rows["revoke"]["by"] == "staff"
    assert rows["revoke"]["ip"] is None
    assert "the-desk" not in response.content.decode()
    assert str(staff.pk) not in response.content.decode()


def test_an_impersonation_is_told_with_its_reason(user, staff, api_of):
    with transaction.atomic():
        reason = {"reason": (None, "Ticket 4711: the invoice does not open.")}
        audit.record(action="impersonation_started", target=user, changes=reason, actor=staff)

    [row] = timeline(api_of(user), "?kind=staff")

    assert (row["by"], row["reason"]) == ("staff", "Ticket 4711: the invoice does not open.")
    assert row["words"] == "Staff began to act as you"


def test_nothing_about_other_people_is_told_not_even_what_one_did_to_them(user, staff, api_of):
    AppClient().sign_in(user)
    app = make_app(user)
    token, _secret = create_api_token(actor=staff, user=user, name="theirs")
    end_by_staff(actor=staff, user=user)
    remove_factor(actor=staff, device=app)
    revoke_api_token(actor=staff, token=token)

    assert actions(timeline(api_of(staff))) == ["create"]  # the token that asks
    assert len(timeline(api_of(user))) > 4


def test_a_failed_sign_in_as_nobody_is_nobodys(user, api_of):
    Client().post("/accounts/login/", {"login": "nobody-here", "password": PASSWORD})

    assert actions(timeline(api_of(user), "?kind=failure")) == []


def test_it_is_filtered_by_kind_and_by_moment(user, api_of):
    for action in ("sign_in", "password_changed", "sign_in_failed"):
        record(user, action)
    api, now = api_of(user), timezone.now()
    before = (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    after = (now + timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    assert actions(timeline(api, "?kind=password")) == ["password_changed"]
    assert actions(timeline(api, "?kind=failure")) == ["sign_in_failed"]
    assert len(timeline(api, f"?occurred_after={before}&occurred_before={after}")) == 4
    assert timeline(api, f"?occurred_before={before}") == []


@pytest.mark.parametrize("query", ["?kind=everything", "?ordering=ip", "?actor=1", "?kind="])
def test_an_unknown_parameter_is_refused(user, api_of, query):
    assert api_of(user).get(TIMELINE + query).status_code == 400


def test_pages_follow_each_other_without_gaps(user, api_of):
    for _each in range(5):
        record(user, "sign_in")
    api, url, seen = api_of(user), f"{TIMELINE}?page_size=2&kind=sign_in", []
    while url:
        body = api.get(url).json()
        seen += [row["id"] for row in body["results"]]
        url = body["next"]

    assert len(seen) == len(set(seen)) == 5


def test_it_costs_the_same_however_much_has_happened(user, api_of, django_assert_num_queries):
    api = api_of(user)
    api.get(TIMELINE)
    for _each in range(4):
        record(user, "sign_in")
        make_app(user)

    # 1. the token with its owner  2. to 8. sessions, devices, tokens, resets, apps, passkeys, code
    # sets: what belongs to the account  9. factors that are gone  10. the page of events
    with django_assert_num_queries(10):
        assert len(timeline(api)) == 5


def test_a_token_needs_the_scope(user, api_of):
    assert api_of(user, scopes=["users.view_device"]).get(TIMELINE).status_code == 403
    assert api_of(user, scopes=["core.view_auditevent"]).get(TIMELINE).status_code == 200


def test_secrets_of_events_are_not_told(user, api_of):
    change_password(actor=user, user=user, password="quiet violet harbour lanterns")
    event = AuditEvent.objects.get(action="password_changed")

    [row] = timeline(api_of(user), "?kind=password")

    assert not {"changes", "actor", "session_id", "request_id"} & row.keys()
    assert "password" in event.changes


def test_each_event_is_of_a_kind_that_can_be_asked_for():
    assert {kind for kind, _model, _action in EVENTS} == KINDS.keys()
    assert len({(model, action) for _kind, model, action in EVENTS}) == len(EVENTS)


# --- The page -------------------------------------------------------------------------------


@pytest.fixture
def browser(user):
    client = Client()
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    return client


def test_the_page_shows_25_and_leads_to_the_older_ones(user, browser):
    for number in range(30):
        record(user, "sign_in_failed", reason=f"number {number:02}")

    first = browser.get(PAGE + "?kind=failure")
    older = browser.get(PAGE + "?" + first.context["older"])

    assert first.content.decode().count("<li>") - older.content.decode().count("<li>") == 20
    assert "number 29" in first.content.decode()
    assert "number 00" in older.content.decode()
    assert "number 04" in older.content.decode()
    assert "number 04" not in first.content.decode()
    assert older.context["older"] == ""


@pytest.mark.parametrize("query", ["", "?kind=nonsense", "?before=x", "?before=" + "9" * 30])
def test_the_page_takes_whatever_stands_in_the_address(browser, query):
    response = browser.get(PAGE + query)

    assert response.status_code == 200
    assert "Signed in" in response.content.decode()


def test_the_page_says_when_there_is_nothing(browser):
    assert "Nothing of this kind." in browser.get(PAGE + "?kind=provider").content.decode()


def test_the_page_escapes_what_strangers_wrote(user, browser):
    record(user, "sign_in_failed", agent="<script>alert(1)</script>")

    assert "<script>alert" not in browser.get(PAGE).content.decode()


def test_the_page_of_sessions_tells_where_how_and_what_ended(user, browser):
    UserSession.objects.update(country="PT", city="Lisbon", risk_rules=[{"rule": "odd_hour"}])
    end = timezone.now()
    other = AppClient().sign_in(user)
    UserSession.objects.filter(country="").update(
        ended_at=end, end_reason=EndReason.REVOKED_BY_STAFF, session_data=""
    )

    page = browser.get("/accounts/sessions/").content.decode()

    assert "Lisbon, PT" in page
    assert "by password" in page
    assert "stood out: an unusual hour" in page
    assert "Ended by staff" in page
    assert "You are signed in nowhere else." in page
    assert not other.is_signed_in()
