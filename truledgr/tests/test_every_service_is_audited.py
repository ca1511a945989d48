"""Each service writes its event with its write, or fails here: also the one that is added next.

A service is a public function of a ``services`` module that takes ``actor`` by keyword, or opens
a transaction of its own. Its scenario stands under its name in one of ``service_scenarios*``.
"""

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.transaction import Atomic

from authentication.tests.codes import NOW
from core.errors import DomainError
from core.models import AuditEvent
from truledgr.tests import (
    service_scenarios,
    service_scenarios_of_accounts,
    service_scenarios_of_groups,
    service_scenarios_of_items,
)
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch):
    """For the codes of authenticator apps."""
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: NOW))


# Of these three apps everything that writes; of the two below, what is done by somebody.
WHOLE, BY_SOMEBODY = ("authorization", "groups", "items"), ("authentication", "users")

# Each takes what only a whole flow makes; the tests named ask for the event there.
ASKED_ELSEWHERE = {
    "authentication_passkeys__add_passkey": "authentication/tests/passkeys/test_registering.py",
    "authentication_passkeys__rename_passkey": "authentication/tests/passkeys/test_keeping.py",
}


def modules_of(app):
    package = import_module(f"{app}.services")
    yield package
    for found in pkgutil.iter_modules(getattr(package, "__path__", ())):
        yield import_module(f"{app}.services.{found.name}")


def opens_a_transaction(function):
    closure = getattr(function, "__closure__", None) or ()
    return any(isinstance(cell.cell_contents, Atomic) for cell in closure)


def takes_an_actor(function):
    actor = inspect.signature(function).parameters.get("actor")
    return actor is not None and actor.kind is inspect.Parameter.KEYWORD_ONLY


def services():
    for app in (*WHOLE, *BY_SOMEBODY):
        for module in modules_of(app):
            for name, function in inspect.getmembers(module, inspect.isfunction):
                own = function.__module__ == module.__name__ and not name.startswith("_")
                if not own or name.startswith("refuse_"):
                    continue  # what refuses writes nothing
                if takes_an_actor(function) or (app in WHOLE and opens_a_transaction(function)):
                    yield f"{app}_{module.__name__.rpartition('.')[2]}__{name}"


SERVICES = sorted(services())
SCENARIOS = {
    name: scenario
    for module in (
        service_scenarios,
        service_scenarios_of_accounts,
        service_scenarios_of_groups,
        service_scenarios_of_items,
    )
    for name, scenario in vars(module).items()
    if "__" in name and callable(scenario)
}


def newest():
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def refuse(call):
    """Have it refused: by the domain, in a transaction that the caller goes on with."""
    stranger = UserFactory()
    before = newest()
    with pytest.raises((DomainError, ValidationError)), transaction.atomic():
        call.refused() if call.refused else call.run(stranger)
    assert newest() == before, "an event of what was refused"


def assert_recorded(call, answer, *, since):
    about = call.about if isinstance(call.about, models.Model) else call.about(answer)
    events = list(AuditEvent.objects.filter(pk__gt=since))
    told = [(e.action, e.actor_id, f"{e.app}.{e.model}", e.object_id) for e in events]
    actor = call.actor.pk if call.actor else None
    assert (call.action, actor, about._meta.label_lower, str(about.pk)) in told
    strangers = {event.actor_id for event in events} - {actor}
    assert not strangers, "somebody else is named"


def test_the_walk_finds_the_services():
    assert {
        "authorization_roles__create_role",
        "groups_members__ban_member",
        "items_items__create_item",
        "users_services__update_profile",
    } <= set(SERVICES)


def test_every_service_has_a_scenario_and_every_scenario_a_service():
    extra = {"items_items__save_changes", "groups_joining__admit"}  # they take the actor otherwise

    assert SCENARIOS.keys() | ASKED_ELSEWHERE.keys() == set(SERVICES) | extra
    for path in ASKED_ELSEWHERE.values():
        assert "AuditEvent" in Path(settings.BASE_DIR, path).read_text()


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_service_writes_its_event_with_its_write(name):
    call = SCENARIOS[name]()
    before = newest()
    with transaction.atomic():
        call.run(call.actor)
        assert newest() > before
        transaction.set_rollback(True)
    assert newest() == before, "an event without its write"

    call = SCENARIOS[name]()
    if not call.refuses_nothing:
        refuse(call)
    before = newest()
    with transaction.atomic():
        answer = call.run(call.actor)
    assert_recorded(call, answer, since=before)
