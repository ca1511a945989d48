from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from authentication.models import APIToken
from authentication.services.api_tokens import create_api_token
from core.errors import DomainError
from core.models import AuditEvent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/me/tokens"
EVERY_SCOPE = [
    "authentication.add_apitoken",
    "authentication.delete_apitoken",
    "authentication.view_apitoken",
]


@pytest.fixture
def person():
    return UserFactory()


def with_token(user, **fields):
    token, secret = create_api_token(actor=user, user=user, name="old", **fields)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client, token


def fault_of(response):
    assert response.status_code == 400, response.content
    return response.json()["errors"][0]["field"]


def test_a_new_token_works_and_is_shown_once(api_of, person):
    expiry = (timezone.now() + timedelta(days=3)).replace(microsecond=0)

    response = api_of(person).post(
        TOKENS, {"name": "CI", "scopes": ["items.view_item"], "expires_at": expiry.isoformat()}
    )

    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    body = response.json()
    assert (body["name"], body["scopes"]) == ("CI", ["items.view_item"])
    made = APIClient(headers={"Authorization": f"Bearer {body['token']}"})
    assert made.get("/api/v1/items").status_code == 200
    assert made.get("/api/v1/groups").status_code == 403
    listed = api_of(person).get(TOKENS).json()["results"]
    assert body["token"] not in str(listed)
    assert APIToken.objects.get(pk=body["id"]).expires_at == expiry


def test_the_secret_is_nowhere_in_the_database(api_of, person):
    secret = api_of(person).post(TOKENS, {"name": "CI"}).json()["token"]

    token = APIToken.objects.get(name="CI")
    event = AuditEvent.objects.get(model="apitoken", object_id=str(token.pk))
    assert (event.action, event.actor) == ("create", person)
    for row in (token, event):
        assert secret not in str(vars(row))


@pytest.mark.parametrize("count", [3, 30])
def test_list_shows_mine_in_a_fixed_number_of_queries(
    api_of, person, count, django_assert_num_queries
):
    client = api_of(person)
    for _ in range(count):
        with_token(person)
    with_token(UserFactory())

    # 1. the token with its user  2. its last use  3. the page
    with django_assert_num_queries(3):
        rows = client.get(TOKENS).json()["results"]

    assert len(rows) == count + 1
    assert rows[0].keys().isdisjoint({"token", "token_hash", "user"})


def test_a_revoked_token_ends_at_once_and_stays_in_the_list(api_of, person):
    client, token = with_token(person)

    assert api_of(person).delete(f"{TOKENS}/{token.pk}").status_code == 204

    assert client.get(TOKENS).status_code == 401
    event = AuditEvent.objects.get(action="revoke")
    assert (event.actor, event.object_id) == (person, str(token.pk))
    rows = {row["id"]: row for row in api_of(person).get(TOKENS).json()["results"]}
    assert rows[str(token.pk)]["revoked_at"]


def test_revoking_twice_keeps_the_first_moment(api_of, person):
    _client, token = with_token(person)
    answers = []
    for _ in range(2):
        answers.append(api_of(person).delete(f"{TOKENS}/{token.pk}").status_code)
        token.refresh_from_db()
        answers.append(token.revoked_at)

    assert answers == [204, answers[1], 204, answers[1]]


def test_tokens_of_others_are_not_there_even_for_superusers(api_of):
    _client, token = with_token(UserFactory())

    response = api_of(UserFactory(is_superuser=True)).delete(f"{TOKENS}/{token.pk}")

    assert response.status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_an_expired_token_is_refused(person):
    client, token = with_token(person)
    token.expires_at = timezone.now() - timedelta(seconds=1)
    token.save()

    assert client.get(TOKENS).status_code == 401


def test_tokens_of_deleted_and_deactivated_users_are_refused(person):
    client, _token = with_token(person)
    for change in ({"is_active": False}, {"is_active": True}):
        for name, value in change.items():
            setattr(person, name, value)
        person.save()
        assert client.get(TOKENS).status_code == (200 if person.is_active else 401)

    person.delete()

    assert client.get(TOKENS).status_code == 401


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_scoped_token_needs_the_scope_to_deal_with_tokens(person, method):
    client, _token = with_token(person, scopes=["items.view_item"])

    assert getattr(client, method)(TOKENS, {"name": "x"}).status_code == 403


def test_what_a_token_makes_is_no_wider_than_itself(person):
    expiry = timezone.now() + timedelta(days=1)
    client, _token = with_token(person, scopes=EVERY_SCOPE, expires_at=expiry)

    later = (expiry + timedelta(days=1)).isoformat()
    wider = client.post(TOKENS, {"name": "x", "scopes": ["items.view_item"]})
    longer = client.post(TOKENS, {"name": "x", "expires_at": later})
    same = client.post(TOKENS, {"name": "x"})

    assert (fault_of(wider), fault_of(longer)) == ("scopes", "expires_at")
    made = APIToken.objects.get(pk=same.json()["id"])
    assert (made.scopes, made.expires_at) == (EVERY_SCOPE, expiry)


def test_a_typing_mistake_in_a_scope_is_hinted_at(person):
    with pytest.raises(DomainError, match=r"no permission items\.veiw_item.*items\.view_item"):
        create_api_token(actor=person, user=person, name="x", scopes=["items.veiw_item"])


def test_nobody_gets_a_token_who_cannot_sign_in(person):
    person.is_active = False
    person.save()

    with pytest.raises(DomainError, match="cannot sign in"):
        create_api_token(actor=person, user=person, name="x")


def test_the_use_of_a_token_is_noted_once_a_minute(person, django_assert_num_queries):
    client, token = with_token(person)
    client.get("/api/v1/me")

    # 1. the token with its user
    with django_assert_num_queries(1):
        client.get("/api/v1/me")

    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_ip == "127.0.0.1"
