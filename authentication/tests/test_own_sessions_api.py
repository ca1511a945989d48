"""What people see of their own sessions through the API, and how they end them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authentication.tests.clients import AppClient, BrowserClient, make_app
from authentication.tests.codes import code_of
from authentication.tests.people import make_user
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import Device, EndReason, UserSession
from users.sessions import hash_key

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/me/sessions"
OTHERS = f"{SESSIONS}/end-others"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def user():
    return make_user()


def signed_in(user, kind=AppClient, agent=FIREFOX):
    client = kind()
    client.http.defaults["HTTP_USER_AGENT"] = agent
    return client.sign_in(user)


def stepped(user, kind=AppClient):
    return signed_in(user, kind).step_up()


def listed(client, query=""):
    response = client.request("GET", SESSIONS + query)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def id_of(client):
    [row] = [row for row in listed(client) if row["is_current"]]
    return row["id"]


def make_session(user, **fields):
    now = timezone.now()
    later = now + timedelta(hours=1)
    row = UserSession(user=user, expires_at=later, idle_expires_at=later, signed_in_at=now)
    for name, value in fields.items():
        setattr(row, name, value)
    row.key_hash = hash_key(str(row.pk))
    row.save()
    return row


# --- Seeing them ----------------------------------------------------------------------------


def test_each_session_is_listed_and_this_one_is_marked(user):
    browser, phone = signed_in(user, BrowserClient), signed_in(user, agent=IPHONE)

    rows = {row["id"]: row for row in listed(browser)}

    assert len(rows) == 2
    assert [row["browser"] for row in rows.values() if row["is_current"]] == ["Firefox 128"]
    other = rows[id_of(phone)]
    assert (other["device_type"], other["os"], other["method"]) == (
        "mobile",
        "iOS 17.5",
        "password",
    )
    assert other["is_active"]
    assert (other["ended_at"], other["end_reason"]) == (None, "")
    assert other["ip"] == "127.0.0.1"


def test_what_was_unusual_is_told_in_words(user):
    fired = [{"rule": "odd_hour", "weight": 10}]
    make_session(user, risk_score=10, risk_rules=fired, country="PT", city="Lisbon")

    [row] = [row for row in listed(signed_in(user)) if row["country"]]

    assert (row["country"], row["city"], row["risk_score"]) == ("PT", "Lisbon", 10)
    assert row["risk_rules"] == [{"rule": "odd_hour", "weight": 10, "words": "an unusual hour"}]


def test_the_second_factor_and_the_duration_are_told(user):
    app = make_app(user)
    client = AppClient().sign_in(user, code_of(app))
    UserSession.objects.update(last_activity_at=timezone.now() + timedelta(seconds=90))

    [row] = listed(client)

    assert row["verified_factor"] == "app"
    assert row["duration"] in {89, 90, 91}


def test_ended_and_expired_ones_are_listed_when_asked_for(user):
    client, past = signed_in(user), timezone.now() - timedelta(minutes=1)
    over = make_session(user, ended_at=past, end_reason=EndReason.REVOKED_BY_STAFF)
    idle = make_session(user, idle_expires_at=past)

    ended = {row["id"]: row["end_reason"] for row in listed(client, "?state=ended")}

    assert ended == {str(over.pk): "revoked_by_staff", str(idle.pk): "expired"}
    assert len(listed(client, "?state=all")) == 3
    assert len(listed(client)) == len(listed(client, "?state=active")) == 1


def test_nothing_that_opens_a_session_is_told(user):
    client = signed_in(user)
    row = UserSession.objects.get()

    content = client.request("GET", SESSIONS).content.decode()

    assert not {row.key_hash, row.session_data, client.token} & set(content.split('"'))


def test_other_peoples_sessions_and_impersonations_are_not_listed(user):
    make_session(make_user())
    make_session(user, impersonator=make_user(), impersonation_reason="They asked us to look.")

    assert len(listed(signed_in(user), "?state=all")) == 1


def test_a_page_costs_one_query_however_many_rows(user, api_of, django_assert_num_queries):
    api = api_of(user)
    api.get(SESSIONS)
    device = Device.objects.create(user=user, fingerprint="f" * 64)
    for _each in range(5):
        make_session(user, device=device)

    # 1. the token with its owner  2. the page with its devices
    with django_assert_num_queries(2):
        assert len(api.get(SESSIONS).json()["results"]) == 5


@pytest.mark.parametrize("query", ["?state=open", "?ordering=ip", "?user=1", "?state="])
def test_an_unknown_parameter_is_refused(user, api_of, query):
    assert api_of(user).get(SESSIONS + query).status_code == 400


def test_pages_follow_each_other_without_gaps(user, api_of):
    made = {str(make_session(user).pk) for _each in range(5)}
    api, url, seen = api_of(user), f"{SESSIONS}?page_size=2", []
    while url:
        body = api.get(url).json()
        seen += [row["id"] for row in body["results"]]
        url = body["next"]

    assert len(seen) == 5
    assert set(seen) == made


# --- Ending them ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AppClient, BrowserClient])
def test_asvs_7_5_2_an_ended_session_is_401_at_its_next_request_and_others_go_on(user, kind):
    here, there, elsewhere = stepped(user), signed_in(user, kind), signed_in(user, BrowserClient)

    response = here.request("DELETE", f"{SESSIONS}/{id_of(there)}")

    assert response.status_code == 204
    assert not there.is_signed_in()
    assert here.is_signed_in()
    assert elsewhere.is_signed_in()
    events = AuditEvent.objects.filter(model="usersession", action="revoke")
    assert [event.changes["end_reason"][1] for event in events] == ["revoked_by_owner"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/{id}"), ("POST", "/end-others")])
def test_asvs_7_5_2_ending_a_session_needs_a_recent_step_up(user, method, path):
    here, there = signed_in(user), signed_in(user)

    response = here.request(method, SESSIONS + path.format(id=id_of(there)))

    assert response.status_code == 403
    assert response.json()["code"] == "step_up_required"
    assert there.is_signed_in()


def test_the_session_in_use_is_not_ended(user):
    here = stepped(user)

    response = here.request("DELETE", f"{SESSIONS}/{id_of(here)}")

    assert response.status_code == 409
    assert here.is_signed_in()


def test_a_session_ends_once(user, api_of):
    row = make_session(user)
    api = api_of(user)

    assert api.delete(f"{SESSIONS}/{row.pk}").status_code == 204
    assert api.delete(f"{SESSIONS}/{row.pk}").status_code == 409
    row.refresh_from_db()
    assert row.end_reason == EndReason.REVOKED_BY_OWNER


def test_somebody_elses_session_is_404(user, api_of):
    foreign = make_session(make_user())

    assert api_of(user).delete(f"{SESSIONS}/{foreign.pk}").status_code == 404
    foreign.refresh_from_db()
    assert foreign.ended_at is None


def test_asvs_7_4_3_all_others_end_at_once(user):
    here, there, elsewhere = stepped(user), signed_in(user), signed_in(user, BrowserClient)
    foreign = signed_in(make_user())

    response = here.request("POST", OTHERS)

    assert response.json() == {"ended": 2}
    assert [client.is_signed_in() for client in (here, there, elsewhere, foreign)] == [
        True, False, False, True,
    ]  # fmt: skip


def test_a_token_ends_all_of_them_within_its_scopes(user, api_of):
    there = signed_in(user)
    reader = api_of(user, scopes=["users.view_usersession"])

    assert reader.get(SESSIONS).status_code == 200
    assert reader.post(OTHERS).status_code == 403
    assert there.is_signed_in()
    assert api_of(user, scopes=["users.delete_usersession"]).post(OTHERS).json() == {"ended": 1}
    assert not there.is_signed_in()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_end_a_session_at_once_one_does(api_of):
    user = make_user()
    row = make_session(user)
    api = api_of(user)

    outcomes = at_once(*[lambda: api.delete(f"{SESSIONS}/{row.pk}").status_code] * 4)

    assert sorted(outcomes) == [204, 409, 409, 409]
    assert AuditEvent.objects.filter(model="usersession", action="revoke").count() == 1
