"""Access, row by row of OWASP ASVS 5.0.0, chapter V8; the matrix and foreign ids have their own."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from authentication.tests.impersonation.acting import acting_as, make_desk
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.places import Traveller, known_places
from authorization.models import Role, RoleAssignment
from authorization.services.assignments import revoke_role
from authorization.system_roles import SYSTEM_ROLES
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.models import Membership, MembershipStatus
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.tests.test_endpoints import API_VIEWS
from users.models import UserSession
from users.tests.factories import UserFactory
from users.tests.places import IN_LISBON, IN_MADRID

pytestmark = pytest.mark.django_db
_places = pytest.fixture(known_places)

DOCUMENTS = Path(project.BASE_DIR, "docs/developer")
VIEWS = [endpoint for endpoint in API_VIEWS if endpoint.route.startswith("api/v1/")]
AUDIT = "/api/v1/audit"


def permission_of(endpoint, method):
    return endpoint.view.cls.action_permissions[endpoint.view.actions[method]]


# --- 8.1: what is documented ------------------------------------------------------------------


def test_asvs_8_1_1_the_rules_of_every_endpoint_and_role_are_documented():
    page = (DOCUMENTS / "access.md").read_text()
    asked = {permission_of(e, method) for e in VIEWS for method in list(e.view.actions)} - {None}

    assert not [permission for permission in sorted(asked) if f"`{permission}`" not in page]
    [head] = [line for line in page.splitlines() if line.startswith("| permission |")]
    assert {role.slug for role in SYSTEM_ROLES} <= {cell.strip() for cell in head.split("|")}


@pytest.mark.parametrize("rule", project.RISK_WEIGHTS)
def test_asvs_8_1_3_what_is_looked_at_beside_the_permissions_is_documented(rule):
    assert f"`{rule}`" in (DOCUMENTS / "risk.md").read_text()


@pytest.mark.parametrize("name", ["RISK_ASK_SCORE", "RISK_END_SCORE"])
def test_asvs_8_1_4_what_follows_from_it_is_documented(name):
    assert f"`{name}`" in (DOCUMENTS / "risk.md").read_text()


# --- 8.2.4: what is looked at during a session ------------------------------------------------


@pytest.mark.usefixtures("_places")
@pytest.mark.parametrize(("hours", "code"), [(2, "step_up_required"), (0, "authentication_failed")])
def test_asvs_8_2_4_a_session_used_from_another_country_proves_itself_again_or_ends(hours, code):
    user = make_user(username="ada")
    client = Traveller("app", IN_LISBON)
    client.sign_in(user)
    assert client.is_signed_in()
    hours_pass(hours)  # in none, nobody gets there

    refused = client.go_to(IN_MADRID).me()

    assert refused.json()["code"] == code
    event = "session_held" if hours else "session_ended"
    assert AuditEvent.objects.filter(action=event, object_id=str(user.pk)).exists()
    client.step_up()
    assert client.is_signed_in() == bool(hours)


def hours_pass(hours):
    UserSession.objects.update(last_activity_at=timezone.now() - timedelta(hours=hours))


# --- 8.3: enforced here, at once, and with the rights of who asks --------------------------------


def test_asvs_8_3_1_the_services_refuse_what_the_api_would_let_through(api_of, monkeypatch):
    stranger, item = UserFactory(), ItemFactory()
    monkeypatch.setattr("core.api.permissions.ActionPermission.has_permission", lambda *_: True)
    monkeypatch.setattr(
        "core.api.permissions.ActionPermission.has_object_permission", lambda *_: True
    )
    monkeypatch.setattr(
        "items.api.views.ItemViewSet.get_queryset",
        lambda _view: Item.objects.alive().select_related("group"),
    )
    client = api_of(stranger)

    for method, body in (("patch", {"name": "Mine"}), ("delete", None)):
        answer = getattr(client, method)(
            f"/api/v1/items/{item.pk}", body, format="json", headers={"If-Match": "*"}
        )
        assert answer.status_code == 403

    item.refresh_from_db()
    assert (item.name == "Mine", item.is_deleted) == (False, False)


@pytest.fixture
def auditor():
    user = UserFactory()
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=["core.view_auditevent"]))
    return user


def revoked(held):
    revoke_role(actor=UserFactory(is_superuser=True), assignment=held)


def expired(held):
    RoleAssignment.objects.filter(pk=held.pk).update(expires_at=timezone.now())


def switched_off(held):
    Role.objects.filter(pk=held.role_id).update(is_active=False)


def withdrawn(held):
    held.role.role_permissions.all().delete()


@pytest.mark.parametrize("change", [revoked, expired, switched_off, withdrawn])
def test_asvs_8_3_2_a_role_that_is_taken_away_ends_with_the_next_request(api_of, auditor, change):
    browser, program = Client(), api_of(auditor)
    browser.force_login(auditor)
    assert {client.get(AUDIT).status_code for client in (browser, program)} == {200}

    change(RoleAssignment.objects.get(user=auditor))

    assert {client.get(AUDIT).status_code for client in (browser, program)} == {403}


def test_asvs_8_3_2_a_membership_that_ends_ends_with_the_next_request(api_of):
    member = MembershipFactory(role__permissions=["items.view_item"])
    item = ItemFactory(owner=None, group=member.group)
    browser, program = Client(), api_of(member.user)
    browser.force_login(member.user)
    path = f"/api/v1/items/{item.pk}"
    assert {client.get(path).status_code for client in (browser, program)} == {200}

    Membership.objects.filter(pk=member.pk).update(status=MembershipStatus.LEFT)

    assert {client.get(path).status_code for client in (browser, program)} == {404}


def test_asvs_8_3_3_the_scopes_of_a_token_narrow_every_action_of_the_api(api_of):
    """Even of a superuser's token; what it may do is asked before what it is about."""
    root = UserFactory(is_superuser=True)
    scopes = ["items.view_item", "groups.view_group"]
    clients = {scope: api_of(root, scopes=[scope]) for scope in scopes}
    tried = 0

    for endpoint in VIEWS:
        for method in list(endpoint.view.actions):
            permission = permission_of(endpoint, method)
            if permission is None or method == "head":  # which has no body to look at
                continue
            scope = next(scope for scope in scopes if scope != permission)
            answer = getattr(clients[scope], method)(endpoint.path)
            assert answer.status_code == 403, (method, endpoint, answer.content)
            assert "scopes" in answer.json()["detail"], (method, endpoint)
            tried += 1

    assert tried > 25


def test_asvs_8_3_3_a_scope_gives_nothing_that_its_owner_does_not_have(api_of):
    foreign = ItemFactory()
    stranger = UserFactory()
    client = api_of(stranger, scopes=["core.view_auditevent", "items.view_item"])

    assert client.get(AUDIT).status_code == 403
    assert client.get(f"/api/v1/items/{foreign.pk}").status_code == 404
    assert client.get("/api/v1/items").json()["results"] == []


def test_asvs_8_3_3_who_acts_as_somebody_has_their_rights_and_not_their_own():
    bob = make_user(username="bob")
    desk = make_desk("core.view_auditevent", "items.view_item")
    foreign = ItemFactory()
    own = Client()
    own.force_login(desk)
    assert own.get(AUDIT).status_code == 200

    client = acting_as(bob, by=desk)

    assert client.get("/api/v1/me").json()["username"] == "bob"
    assert client.get(AUDIT).status_code == 403
    assert client.get(f"/api/v1/items/{foreign.pk}").status_code == 404
    assert client.get("/admin/").status_code in {302, 403}


# --- 16.3.2: who is refused by a service, where no status says so -------------------------------


def test_asvs_16_3_2_a_service_that_refuses_in_the_admin_is_an_event(client):
    clerk = UserFactory(is_staff=True)
    held = ["authorization.add_roleassignment", "authorization.view_roleassignment"]
    held += ["authorization.view_role", "users.view_user", "core.view_auditevent"]
    RoleAssignmentFactory(user=clerk, role=RoleFactory(permissions=held))
    beyond = RoleFactory(permissions=["items.delete_item"])
    client.force_login(clerk)
    form = {"user": str(UserFactory().pk), "role": str(beyond.pk), "reason": "Please"}

    answer = client.post("/admin/authorization/roleassignment/add/", form)

    assert answer.status_code in {200, 302}
    assert not RoleAssignment.objects.filter(role=beyond).exists()
    event = AuditEvent.objects.get(action="access_denied", actor=clerk)
    assert event.changes["reason"] == [None, "permission_denied"]
    assert event.via == "admin"


def test_asvs_16_3_2_a_service_that_refuses_a_command_is_an_event(tmp_path):
    clerk, group = UserFactory(username="clerk"), GroupFactory()
    file = tmp_path / "items.csv"
    file.write_text("name\nKettle\n")

    with pytest.raises(CommandError):
        call_command("import_items", str(file), actor="clerk", group=group.slug)

    event = AuditEvent.objects.get(action="access_denied")
    assert (event.actor_id, event.via) == (clerk.pk, "command")


# --- 8.4: the admin ----------------------------------------------------------------------------


def test_asvs_8_4_2_staff_without_a_second_factor_open_no_page_of_the_admin(settings, api_of):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    staff = make_user(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(staff)

    for path in ("/admin/", "/admin/users/user/", "/admin/core/auditevent/export.csv"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert "/admin" not in answer["Location"].partition("?")[0]
    assert client.get(AUDIT).status_code == 403
    assert api_of(staff).get(AUDIT).status_code == 403


def test_asvs_8_4_2_a_session_of_staff_that_moves_abroad_opens_no_page_of_the_admin(
    _places,  # noqa: PT019 (it is the file of places that is needed)
    settings,
):
    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    make_user(username="root", is_staff=True, is_superuser=True)
    client = Traveller("pages", IN_LISBON)
    client.http.post("/accounts/login/", {"login": "root", "password": PASSWORD})
    assert client.http.get("/admin/").status_code == 200
    hours_pass(2)

    answer = client.go_to(IN_MADRID).http.get("/admin/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/step-up/")
