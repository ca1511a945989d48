import pytest

from core.models import AuditEvent
from users.services import update_profile
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ME = "/api/v1/me"


@pytest.fixture
def person():
    return UserFactory(username="ada", first_name="Ada")


def test_me_is_whose_token_it_is(api_of, person, django_assert_num_queries):
    UserFactory()
    client = api_of(person)

    # 1. the token with its user  2. its last use
    with django_assert_num_queries(2):
        body = client.get(ME).json()

    assert (body["id"], body["username"], body["first_name"]) == (str(person.pk), "ada", "Ada")
    assert body.keys().isdisjoint({"password", "is_deleted", "deletion_id", "verified_by"})


def test_the_profile_is_changed_and_recorded(api_of, person):
    changes = {
        "first_name": "Augusta",
        "bio": "Wrote the first program.\nThen another.",
        "avatar_url": "https://example.org/ada.png",
        "locale": "pt-BR",
        "timezone": "Europe/Lisbon",
    }

    response = api_of(person).patch(ME, changes)

    assert response.status_code == 200
    assert response.json().items() >= changes.items()
    person.refresh_from_db()
    assert person.bio == changes["bio"]
    event = AuditEvent.objects.get(action="update", model="user")
    assert (event.actor, event.changes["first_name"]) == (person, ["Ada", "Augusta"])


def test_a_change_that_changes_nothing_is_not_recorded(api_of, person):
    assert api_of(person).patch(ME, {"first_name": "Ada"}).status_code == 200
    assert api_of(person).patch(ME, {}).status_code == 200

    assert not AuditEvent.objects.filter(model="user", action="update").exists()


@pytest.mark.parametrize(
    "field",
    ["id", "username", "email", "password", "is_staff", "is_superuser", "is_active", "is_verified",
     "totp_required", "role_assignments"],
)  # fmt: skip
def test_what_is_not_harmless_cannot_be_changed(api_of, person, field):
    response = api_of(person).patch(ME, {"first_name": "Eve", field: True})

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    person.refresh_from_db()
    assert (person.first_name, person.is_staff, person.is_superuser) == ("Ada", False, False)


def test_any_token_may_ask_whose_it_is_but_not_change_it(api_of, person):
    client = api_of(person, scopes=["items.view_item"])

    assert client.get(ME).status_code == 200
    response = client.patch(ME, {"first_name": "Eve"})
    assert response.status_code == 403
    assert "users.change_user" in response.json()["detail"]


def test_a_deactivated_user_is_signed_out_at_once(api_of, person):
    client = api_of(person)
    person.is_active = False
    person.save()

    response = client.get(ME)

    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")


def test_a_deleted_user_is_signed_out_at_once(api_of, person):
    client = api_of(person)
    person.delete()

    assert client.get(ME).status_code == 401


def test_a_session_needs_its_form_token_to_write(client, person):
    client.handler.enforce_csrf_checks = True
    client.force_login(person)

    assert client.get(ME).status_code == 200
    response = client.patch(ME, {"first_name": "Eve"}, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")


def test_the_service_takes_profile_fields_only(person):
    with pytest.raises(TypeError, match="is_staff"):
        update_profile(actor=person, user=person, is_staff=True)
