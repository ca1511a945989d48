import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from core.context import Via, client_ip_of, context_of, current, request_id_of
from core.middleware import RequestContextMiddleware
from users.models import User


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "203.0.113.9"),
        (0, "198.51.100.1", "203.0.113.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "10.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "10.6.6.6, 198.51.100.1, 198.51.100.2", "198.51.100.1"),
        (2, "198.51.100.1", "203.0.113.9"),
        (1, "not an address", None),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9", headers=headers)

    assert client_ip_of(request) == expected


@pytest.mark.parametrize("offered", ["abcd1234", "0192d3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d"])
def test_a_harmless_request_id_is_kept(offered):
    request = RequestFactory().get("/", headers={"X-Request-ID": offered})

    assert request_id_of(request) == offered


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "line\nbreak-12345", "späte-Grüße"])
def test_any_other_request_id_is_replaced(offered):
    request = RequestFactory().get("/")
    request.META["HTTP_X_REQUEST_ID"] = offered

    assert request_id_of(request) != offered


@pytest.mark.parametrize(
    ("path", "via"),
    [("/api/v1/me", Via.API), ("/admin/", Via.ADMIN), ("/accounts/login/", Via.WEB)],
)
def test_the_door_is_told_by_the_path(path, via):
    assert context_of(RequestFactory().get(path)).via == via


def test_the_actor_is_read_when_it_is_needed():
    request = RequestFactory().get("/")
    context = context_of(request)
    before = context.actor()
    request.user = User(username="late")

    assert before is None
    assert context.actor() is request.user


def test_the_middleware_names_the_request_on_its_response_and_then_forgets():
    seen = []

    def view(request):
        seen.append(current().request_id)
        return HttpResponse()

    response = RequestContextMiddleware(view)(RequestFactory().get("/"))

    assert response["X-Request-ID"] == seen[0] != ""
    assert current().request_id == ""
