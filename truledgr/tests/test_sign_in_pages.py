"""The pages outside the admin: signing in and out, what is refused, errors."""

import re

import pytest
from django.core.exceptions import SuspiciousOperation
from django.template.loader import render_to_string
from django.test import Client
from django.urls import path

from authentication.tests.people import PASSWORD, make_user
from truledgr import urls
from users.models import EndReason, UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def sign_in(client, login, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": login, "password": password, **extra})


@pytest.fixture
def staff():
    return make_user(username="anna", is_staff=True)


# --- The way into the admin -----------------------------------------------------------------


def test_the_admin_sends_strangers_to_the_one_sign_in_page_and_back(client, staff):
    first = client.get("/admin/users/user/", follow=True)
    form = first.content.decode()
    target = re.search(r'name="next" value="([^"]+)"', form).group(1)

    response = sign_in(client, "anna", next=target)

    assert first.redirect_chain[-1][0].startswith(LOGIN)
    assert response["Location"] == "/admin/users/user/"


@pytest.mark.parametrize("identifier", ["anna", "ANNA", "anna@example.org", "Anna@Example.org"])
def test_one_signs_in_by_username_or_e_mail_whatever_the_case(client, staff, identifier):
    sign_in(client, identifier)

    assert client.get("/admin/").status_code == 200


def test_djangos_own_login_form_is_not_served(client, staff):
    response = client.post("/admin/login/", {"username": "anna", "password": PASSWORD})

    assert response.status_code == 302
    assert response["Location"].startswith(LOGIN)
    assert client.get("/admin/").status_code == 302


def test_who_is_no_staff_is_told_so_and_not_sent_round_in_circles(client):
    make_user(username="paula")
    sign_in(client, "paula")

    response = client.get("/admin/", follow=True)

    assert response.status_code == 403
    assert "You may not do this" in response.content.decode()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_the_page_to_go_to_is_never_on_another_host(client, staff, target):
    response = sign_in(client, "anna", next=target)

    assert "evil" not in response["Location"]
    assert not response["Location"].startswith("javascript")


@pytest.mark.parametrize("state", ["wrong password", "switched off", "deleted", "unknown"])
def test_every_refusal_looks_the_same(client, staff, state):
    if state == "switched off":
        type(staff).objects.update(is_active=False)
    elif state == "deleted":
        staff.delete()
    login = "nobody" if state == "unknown" else "anna"
    password = "wrong" if state == "wrong password" else PASSWORD

    response = sign_in(client, login, password)

    assert response.status_code == 200
    assert list(response.context["form"].errors.values()) == [
        ["The username and/or password you specified are not correct."]
    ]
    assert PASSWORD not in response.content.decode()


def test_the_sixth_wrong_password_of_an_account_is_not_even_tried(client, staff):
    for _attempt in range(5):
        sign_in(client, "anna", "wrong")

    response = sign_in(client, "anna")

    assert "Too many failed login attempts" in response.content.decode()
    assert client.get("/admin/").status_code == 302


def test_many_attempts_from_one_address_are_refused_with_429(client, within_one_window):
    for n in range(30):
        sign_in(client, f"person{n}", "wrong")

    response = sign_in(client, "one more", "wrong")

    assert response.status_code == 429
    assert "TruLedgr" in response.content.decode()


def test_signing_out_of_the_admin_ends_the_session(client, staff):
    sign_in(client, "anna")
    cookie = client.cookies["sessionid"].value

    response = client.post("/admin/logout/")

    assert "You are signed out" in response.content.decode()
    client.cookies["sessionid"] = cookie
    assert client.get("/admin/").status_code == 302
    assert UserSession.objects.filter(user=staff).get().end_reason == EndReason.SIGNED_OUT


def test_signing_in_and_out_needs_a_csrf_token(staff):
    client = Client(enforce_csrf_checks=True)

    response = sign_in(client, "anna")

    assert response.status_code == 403
    assert "The form is out of date" in response.content.decode()


def test_the_admin_leads_to_the_one_page_that_changes_passwords(client, staff):
    sign_in(client, "anna")

    response = client.get("/admin/password_change/")

    assert response["Location"] == "/accounts/password/change/"


# --- Signing up -----------------------------------------------------------------------------


def test_sign_up_is_offered_while_it_is_open(client):
    page = client.get("/accounts/signup/").content.decode()

    assert "<form" in page
    assert "/accounts/signup/" in client.get(LOGIN).content.decode()


def test_nobody_signs_up_while_it_is_closed(client, settings):
    settings.SIGNUP_OPEN = False
    form = {
        "username": "new", "email": "new@example.org", "password1": PASSWORD,
        "password2": PASSWORD,
    }  # fmt: skip

    shown = client.get("/accounts/signup/")
    client.post("/accounts/signup/", form)

    page = shown.content.decode()
    assert shown.status_code == 403
    assert "closed" in page
    assert "<form" not in page
    assert "signup" not in client.get(LOGIN).content.decode()
    assert not type(UserFactory()).objects.filter(username="new").exists()


# --- What the pages are made of -------------------------------------------------------------

PUBLIC = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere/"]
PRIVATE = ["/accounts/logout/", "/accounts/email/", "/accounts/password/change/"]


@pytest.mark.parametrize("address", PUBLIC + PRIVATE)
def test_a_page_is_clean_labelled_and_free_of_inline_code(client, staff, address):
    if address in PRIVATE:
        sign_in(client, "anna")

    response = client.get(address)
    body = response.content.decode()

    assert response.status_code == (404 if address == "/nowhere/" else 200)
    assert '<html lang="en">' in body
    assert body.count("<h1>") == 1
    assert "truledgr/pages.css" in body
    assert " style=" not in body
    assert "<style" not in body
    scripts = re.findall(r"<script[^>]*>", body)
    assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
    assert "unsafe" not in response["Content-Security-Policy"]
    for tag in re.findall(r"<(?:input|select)[^>]*>", body):
        if 'type="hidden"' in tag:
            continue
        identifier = re.search(r'id="([^"]+)"', tag).group(1)
        assert f'<label for="{identifier}">' in body


def test_an_error_names_its_field_for_screen_readers(client, staff):
    body = client.post(LOGIN, {"login": "anna", "password": ""}).content.decode()

    field = re.search(r'<input type="password"[^>]*>', body).group(0)
    assert 'aria-invalid="true"' in field
    assert 'id="id_password_error"' in body


# --- Errors ---------------------------------------------------------------------------------


def fail(request):
    raise RuntimeError("on purpose")


def confuse(request):
    raise SuspiciousOperation("on purpose")


# This module is a URL configuration, too: the project's, and two addresses that fail.
urlpatterns = [path("fault/", fail), path("confused/", confuse), *urls.urlpatterns]
handler400, handler500 = urls.handler400, urls.handler500


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "status"), [("/fault/", 500), ("/confused/", 400)])
def test_an_error_page_tells_people_and_not_the_reason(client, address, status):
    client.raise_request_exception = False

    response = client.get(address)
    body = response.content.decode()

    assert response.status_code == status
    assert f'<p class="status">{status}</p>' in body
    assert "on purpose" not in body


@pytest.mark.parametrize("code", [400, 403, 404, 429, 500])
def test_an_error_template_renders_without_anything_to_render_with(code, django_assert_num_queries):
    """The page for a broken database must not ask the database."""
    with django_assert_num_queries(0):
        body = render_to_string(f"{code}.html")

    assert f'<p class="status">{code}</p>' in body
    assert "truledgr/pages.css" in body


def test_an_error_page_names_the_request_for_whoever_reports_it(client):
    response = client.get("/nowhere/")

    assert response["X-Request-ID"] in response.content.decode()
