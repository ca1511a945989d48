"""Sessions in the admin: found by what is noted of them, and ended."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.utils import timezone

from core.models import AuditEvent
from users.models import EndReason, UserSession
from users.sessions import hash_key
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory
from users.tests.test_admin import make_staff

pytestmark = pytest.mark.django_db

LIST = "/admin/users/usersession/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def page(session, name="change"):
    return f"{LIST}{session.pk}/{name}/"


def shown(client, query):
    return set(client.get(LIST + query).context["cl"].result_list)


def end(client, *sessions, **fields):
    keys = [str(session.pk) for session in sessions]
    return client.post(LIST, {"action": "end_selected", "_selected_action": keys, **fields})


# --- Finding --------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?open=yes", "?open=no"])
def test_sessions_are_told_apart_by_state(client, root, query):
    past = timezone.now() - timezone.timedelta(minutes=1)
    expired = UserSessionFactory(expires_at=past)
    fresh = UserSessionFactory()

    found = shown(client, query)

    assert (fresh in found) == (query == "?open=yes")
    assert (expired in found) == (query == "?open=no")


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("?country=PT", {"country": "PT"}),
        ("?country=pt", {"country": "PT"}),
        ("?device_type__exact=tablet", {"device_type": "tablet"}),
        ("?browser=fire", {"browser": "Firefox 128"}),
        ("?os=Windows", {"os": "Windows 10"}),
        ("?method=password", {"login_method": "password"}),
        ("?method=provider", {"login_method": "oauth:google"}),
        ("?method=passkey", {"login_method": "passkey"}),
        ("?remembered=yes", {"is_remembered": True}),
        (
            "?end_reason__exact=suspicious",
            {"end_reason": "suspicious", "ended_at": timezone.now(), "session_data": ""},
        ),
        ("?country=PT&browser=fire&open=yes", {"country": "PT", "browser": "Firefox 128"}),
    ],
)
def test_a_filter_finds_what_it_names_and_nothing_else(client, root, query, columns):
    wanted = UserSessionFactory(**columns)
    other = UserSessionFactory(country="DE", browser="Chrome 140", os="Linux", login_method="code")

    found = shown(client, query)

    assert wanted in found
    assert other not in found


def test_impersonated_sessions_are_told_apart(client, root):
    wanted = UserSessionFactory(impersonator=root, impersonation_reason="Ticket 4711")
    other = UserSessionFactory()

    assert shown(client, "?impersonated=yes") == {wanted}
    assert other in shown(client, "?impersonated=no")
    assert wanted not in shown(client, "?impersonated=no")


@pytest.mark.parametrize(
    ("band", "scores"),
    [("none", {0}), ("some", {1, 49}), ("high", {50, 89}), ("highest", {90, 100}), ("x", {0, 1})],
)
def test_the_bands_of_risk_are_those_of_the_settings(client, root, settings, band, scores):
    settings.RISK_ASK_SCORE, settings.RISK_END_SCORE = 50, 90
    for score in (0, 1, 49, 50, 89, 90, 100):
        UserSessionFactory(risk_score=score)

    found = {session.risk_score for session in shown(client, f"?risk={band}")}

    assert found >= scores
    assert band == "x" or found == scores


@pytest.mark.parametrize("term", ["ann", "ANN", "ann@ex"])
def test_the_start_of_a_name_or_address_finds_the_sessions_of_a_user(client, root, term):
    ann = UserSessionFactory(user=UserFactory(username="anna", email="ann@example.org"))
    UserSessionFactory(user=UserFactory(username="bob"))

    assert shown(client, f"?q={term}") == {ann}


def test_the_id_of_a_session_finds_it(client, root):
    wanted = UserSessionFactory()
    UserSessionFactory()

    assert shown(client, f"?q={wanted.pk}") == {wanted}


@pytest.mark.parametrize(
    "query", ["?country=%00", "?browser=%27", "?method=x", "?country=" + "x" * 99]
)
def test_nonsense_in_a_filter_does_no_harm(client, root, query):
    assert client.get(LIST + query).status_code == 200


def test_the_filters_ask_the_table_for_nothing(client, root, django_assert_num_queries):
    for n in range(30):
        UserSessionFactory(country=f"A{n % 9}", browser=f"Browser {n}", risk_score=n)

    # 1. session and user  2. the count, no further than 10,000  3. the rows with their users
    with django_assert_num_queries(3) as asked:
        client.get(LIST + "?risk=some&open=yes&browser=Brow")

    assert not [query["sql"] for query in asked if "DISTINCT" in query["sql"]]


def test_a_field_keeps_the_other_filters(client, root):
    UserSessionFactory()

    body = client.get(LIST + "?open=yes&country=PT&p=1").content.decode()

    assert '<input type="hidden" name="open" value="yes">' in body
    assert '<input type="text" name="country" value="PT"' in body
    assert '<input type="hidden" name="p"' not in body


# --- One session ----------------------------------------------------------------------------


def test_the_page_says_what_is_known_of_a_session_in_words(client, root, django_assert_num_queries):
    began = timezone.now() - timezone.timedelta(minutes=95)
    device = DeviceFactory()
    session = UserSessionFactory(
        user=device.user, device=device, signed_in_at=began, country="PT", city="Lisboa",
        login_method="oauth:google", verified_factor="authentication.totpdevice/7",
        request_count=12, risk_score=35,
        risk_rules=[{"rule": "new_country", "weight": 25}, {"rule": "odd_hour", "weight": 10}],
    )  # fmt: skip

    client.get(page(session))  # the first page of a process asks for its content type
    # 1. session and user  2. the session with its user and device
    with django_assert_num_queries(2):
        body = client.get(page(session)).content.decode()

    for text in (
        "Lisboa, PT", "oauth:google", "authenticator app", "1 hour 35 minutes",
        "A country that is new to the account (+25)", "An unusual hour (+10)",
        f"{LIST}?user__id__exact={session.user_id}", f"{LIST}?device__id__exact={device.pk}",
        f"sessionactivity/?session__id__exact={session.pk}",
    ):  # fmt: skip
        assert text in body, text
    assert "Staff acting as the user" not in body


def test_the_page_says_who_acted_as_the_user_and_why(client, root):
    session = UserSessionFactory(impersonator=root, impersonation_reason="Ticket 4711")

    body = client.get(page(session)).content.decode()

    assert "Staff acting as the user" in body
    assert "Ticket 4711" in body


def test_links_to_the_sessions_of_a_device_and_of_a_user_work(client, root):
    device = DeviceFactory()
    wanted = UserSessionFactory(user=device.user, device=device)
    elsewhere = UserSessionFactory(user=device.user)

    assert shown(client, f"?device__id__exact={device.pk}") == {wanted}
    assert shown(client, f"?user__id__exact={device.user_id}") == {wanted, elsewhere}
    assert (
        f"device__id__exact={device.pk}"
        in client.get(f"/admin/users/device/{device.pk}/change/").content.decode()
    )


# --- Ending ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["button", "list"])
def test_ending_a_session_asks_first_blanks_it_and_is_recorded(client, root, how):
    open_one, other = UserSessionFactory(), UserSessionFactory()

    asked = client.get(page(open_one, "end")) if how == "button" else end(client, open_one)
    open_one.refresh_from_db()
    before = open_one.ended_at
    if how == "button":
        client.post(page(open_one, "end"))
    else:
        end(client, open_one, confirmed="yes")

    assert before is None
    assert "End this session" in asked.content.decode()
    open_one.refresh_from_db()
    other.refresh_from_db()
    assert open_one.end_reason == EndReason.REVOKED_BY_STAFF
    assert open_one.session_data == ""
    assert other.ended_at is None
    event = AuditEvent.objects.get(model="usersession")
    assert (event.action, event.object_id) == ("revoke", str(open_one.pk))
    assert (event.actor_id, event.via) == (root.pk, "admin")
    assert event.changes == {"end_reason": ["", "revoked_by_staff"]}


@pytest.mark.parametrize("count", [3, 30])
def test_ending_many_costs_the_same_queries(client, root, count, django_assert_num_queries):
    sessions = UserSessionFactory.create_batch(count)

    # 1. session and user  2. the count of the list  3. the keys chosen  4. a savepoint
    # 5. the events  6. the UPDATE  7. its release  8. the message, kept in the session
    with django_assert_num_queries(8):
        end(client, *sessions, confirmed="yes")

    assert not UserSession.objects.filter(pk__in=[s.pk for s in sessions], ended_at=None).exists()


def test_an_ended_session_signs_its_browser_out(client, root):
    key = client.session.session_key
    assert client.session[SESSION_KEY] == str(root.pk)
    own = UserSession.objects.get(key_hash=hash_key(key))

    warning = end(client, own).content.decode()
    end(client, own, confirmed="yes")

    assert "Your own session is among them" in warning
    assert client.get("/admin/").status_code == 302


def test_ending_what_has_ended_says_so(client, root):
    over = UserSessionFactory(ended_at=timezone.now(), end_reason="expired", session_data="")

    response = client.post(page(over, "end"), follow=True)

    assert "0 sessions were ended" in response.content.decode()
    assert "End this session" not in client.get(page(over)).content.decode()
    assert not AuditEvent.objects.filter(action="revoke").exists()


def test_ending_sessions_takes_the_right_to_change_them(client):
    client.force_login(make_staff("users.view_usersession"))
    session = UserSessionFactory()

    end(client, session, confirmed="yes")

    assert client.post(page(session, "end")).status_code == 403
    assert "/end/" not in client.get(page(session)).content.decode()
    session.refresh_from_db()
    assert session.ended_at is None
