"""Whatever of somebody else's is named, in whatever place: 404, and nothing has changed.

Every id of every row about one person is tried by another one, who has everything too and has just
proven who they are, on every endpoint that takes an id, with every verb that it offers.
"""

import json
import re
from itertools import product
from uuid import UUID

import pytest
from django.apps import apps
from django.db import transaction
from django_otp.models import Device

from authorization.tests.factories import RoleFactory
from core.models import AuditEvent
from core.personal_data import declarations
from groups.models import Invitation, Membership
from groups.tests.factories import MembershipFactory
from items.models import Item
from truledgr.tests.matrix.paths import body_of
from truledgr.tests.person_with_everything import Person
from truledgr.tests.test_access_matrix import OPERATIONS
from truledgr.tests.test_endpoints import ALL
from users.models import UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PARAMETER = re.compile(r"<(\w+):\w+>|\{(?!client)\w+\}")
# The token in it is the permission, whoever brings it; the matrix has these.
BY_TOKEN = re.compile(r"accounts/(not-me|invitations)/|accounts/oidc/|\(\?P<")
TAKING_IDS = sorted(
    operation
    for kind in ("api", "flows", "pages")
    for operation in OPERATIONS[kind]
    if PARAMETER.search(operation) and not BY_TOKEN.search(operation)
)
LISTS = sorted(
    operation.removeprefix("GET ")
    for operation in OPERATIONS["api"]
    if operation.startswith("GET ") and not PARAMETER.search(operation)
)
QUERIES = {
    "api/v1/permissions/explain": "?permission=items.view_item",
    "api/v1/permissions/who-can": "?permission=items.view_item",
    "api/v1/items": "?page_size=200",
    "api/v1/groups": "?page_size=200",
}


class World:
    """Ada, whose rows are asked for, and Ben, who asks, stepped up."""

    def __init__(self):
        staff = UserFactory()
        self.ada = Person("ada", ip="203.0.113.7", staff=staff)
        self.ben = Person("ben", ip="203.0.113.8", staff=staff)
        self.browser = self.ben.client()
        self.browser.raise_request_exception = False
        MembershipFactory(group=self.ada.own_group)
        # What a body names is Ben's own, so that nothing but the address is at fault.
        self.group, self.item = self.ben.own_group, self.ben.item
        self.role = self.other_role = RoleFactory()
        self.target, self.users = self.ben.user, {"stranger": self.ben.user}
        self.keys = sorted(set(self._keys()), key=str)

    def _keys(self):
        yield self.ada.user.pk
        for declared in declarations():
            for row in declared.of(self.ada.user):
                yield from self._names_of(row)
        groups = {"group": self.ada.own_group}
        for model in (Membership, Item, Invitation):
            yield from model.objects.filter(**groups).values_list("pk", flat=True)
        yield from Membership.objects.filter(**groups).values_list("user_id", flat=True)

    def _names_of(self, row):
        yield row.pk
        if isinstance(row, Device):
            yield row.persistent_id

    def values_for(self, kind):
        if kind == "uuid":
            return [key for key in self.keys if isinstance(key, UUID)]
        if kind == "int":  # of each table, so that some are Ben's in another one
            own = set(self.ben.user.role_assignments.values_list("pk", flat=True))
            return [key for key in self.keys if isinstance(key, int) and key not in own]
        return self.keys


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def rows():
    """Everything that is stored, but for what notes that somebody asked."""
    noting = (AuditEvent, UserSession)
    return {
        model._meta.label: sorted(map(str, model._base_manager.values_list()))
        for model in apps.get_models()
        if model not in noting and model._meta.managed
    }


def paths_of(route, world):
    """The route with Ada's keys in every place, and with Ben's own group before them."""
    kinds = [found[1] or "str" for found in PARAMETER.finditer(route)]
    places = [world.values_for(kind) for kind in kinds]
    if len(places) > 1:
        places[0] = [world.ada.own_group.pk, world.ben.own_group.pk]
    for keys in product(*places):
        given = iter(keys)
        yield "/" + PARAMETER.sub(lambda _found, given=given: str(next(given)), route)


@pytest.mark.parametrize("operation", TAKING_IDS)
def test_asvs_8_2_2_nobody_reaches_what_is_somebody_elses(operation, world):
    method, _space, route = operation.partition(" ")
    body = json.dumps(body_of(operation, world)) if route.startswith("api/") else ""
    before = rows()

    answers = {}
    for path in paths_of(route.replace("{client}", "browser"), world):
        response = world.browser.generic(method, path, body, "application/json")
        answers[path] = response.status_code

    allowed = {404, 405} if route.startswith("accounts/") else {404}
    assert answers
    assert {path: code for path, code in answers.items() if code not in allowed} == {}
    assert rows() == before


@pytest.mark.parametrize("route", LISTS)
def test_asvs_8_4_1_no_list_shows_anything_of_a_group_that_one_is_not_in(route, world):
    response = world.browser.get(f"/{route}{QUERIES.get(route, '')}")

    body = b"".join(response) if response.streaming else response.content
    assert response.status_code in {200, 403}
    shown = body.decode()
    assert [key for key in world.keys if len(str(key)) > 20 and str(key) in shown] == []
    words = [word for name, word in world.ada.words.items() if name != "username"]
    assert [word for word in words if word in shown] == []


def test_asvs_8_2_2_the_ids_that_are_tried_are_of_every_kind(world):
    kinds = {model for model in apps.get_models() for key in world.keys if _is_of(model, key)}

    assert {"Item", "Group", "Membership", "UserSession", "Device", "APIToken"} <= {
        model.__name__ for model in kinds
    }
    assert any(endpoint.route == "api/v1/items/<uuid:pk>" for endpoint in ALL)


def _is_of(model, key):
    is_of_its_kind = isinstance(key, UUID) == (model._meta.pk.get_internal_type() == "UUIDField")
    return (
        is_of_its_kind and not isinstance(key, str) and model._base_manager.filter(pk=key).exists()
    )
