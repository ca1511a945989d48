import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import UnreadablePostError
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.views import APIView

from core.api.errors import MOST_ERRORS, problem_response
from core.api.throttling import AddressThrottle
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DomainError("No."), 400, "invalid"),
        (ConflictError("No.", field="name"), 409, "conflict"),
        (StaleVersionError("No."), 412, "stale_version"),
        (NotAllowedError("No."), 403, "permission_denied"),
        (IntegrityError("duplicate key value"), 409, "conflict"),
        (SuspiciousOperation("hosts"), 400, "parse_error"),
        (UnreadablePostError("gone"), 400, "parse_error"),
    ],
)
def test_an_error_has_one_status_and_code(error, status, code):
    response = problem_response(error, {})

    assert (response.status_code, response.data["code"]) == (status, code)
    assert "duplicate" not in str(response.data)


@pytest.mark.parametrize("error", [OperationalError("host=secret"), InterfaceError("closed")])
def test_a_database_that_is_away_is_unavailable_and_logged(error, caplog):
    response = problem_response(error, {})

    assert (response.status_code, response.data["code"]) == (503, "unavailable")
    assert response["Retry-After"] == "5"
    assert "secret" not in str(response.data)
    assert "The database failed a request" in caplog.text


def test_a_crash_is_left_to_django():
    assert problem_response(ZeroDivisionError(), {}) is None


def test_a_blamed_field_stands_in_the_summary_and_in_the_list():
    body = problem_response(ConflictError("Taken.", field="name"), {}).data

    assert body["detail"] == "name: Taken."
    assert body["errors"] == [{"field": "name", "code": "conflict", "detail": "Taken."}]


def test_the_list_of_errors_is_bounded():
    errors = {str(number): ["No."] for number in range(1000)}

    body = problem_response(ValidationError(errors), {}).data

    assert len(body["errors"]) == MOST_ERRORS


def test_a_wait_is_rounded_up_to_whole_seconds():
    response = problem_response(Throttled(wait=0.2), {})

    assert (response.status_code, response["Retry-After"]) == (429, "1")


# --- Rate limits ------------------------------------------------------------------------------


@pytest.fixture
def limited(monkeypatch, db):
    """A public page that each address may ask for twice a minute."""
    monkeypatch.setattr(APIView, "throttle_classes", [AddressThrottle])
    monkeypatch.setattr(AddressThrottle, "rate", "2/min", raising=False)
    return "/api/docs/"


def test_too_many_requests_are_told_when_to_come_back(client, limited):
    answers = [client.get(limited) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Content-Type"] == "application/problem+json"
    assert answers[2].json()["code"] == "throttled"
    assert 1 <= int(answers[2]["Retry-After"]) <= 60


def test_a_made_up_forwarding_header_does_not_dodge_the_limit(client, limited):
    answers = [
        client.get(limited, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
        for n in range(3)
    ]

    assert answers == [200, 200, 429]


def test_addresses_are_told_apart_as_our_proxy_saw_them(client, limited, settings):
    settings.TRUSTED_PROXY_COUNT = 1

    answers = [
        client.get(limited, headers={"X-Forwarded-For": f"10.9.8.7, 192.0.2.{n}"}).status_code
        for n in range(3)
    ]

    assert answers == [200, 200, 200]
