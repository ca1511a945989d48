"""Making a set of demo data step by step, so that a killed run can be taken up again.

The first step commits an audit event that says what is being made and to which moment it is
anchored; the last one commits another. Each step between is one transaction that makes the rows
that are not there yet, so that running it twice is running it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from authentication.models import APIToken, PasswordResetToken, TOTPDevice
from authorization.models import Role, RoleAssignment, RolePermission
from core import audit
from core.models import AuditEvent
from groups.models import Group, Invitation, Membership
from items.models import Item
from truledgr.demo.activity import activities_of
from truledgr.demo.deletions import deletions_of
from truledgr.demo.groups import group_of, invitations_of, memberships_of
from truledgr.demo.items import item_of
from truledgr.demo.loading import insert, missing, one_at_a_time
from truledgr.demo.people import CURATOR, accounts_of
from truledgr.demo.plan import DAYS_OF_ACTIVITY, Plan
from truledgr.demo.population import Person, Population, Team
from truledgr.demo.sessions import presence_of
from users.analytics.periods import DAY
from users.analytics.roll_ups import DAYS_AT_ONCE, last_finished_day, roll_up
from users.models import User

BEGUN, FINISHED = "seed_demo", "seed_demo_finished"
ROLES = (
    "staff", "auditor", "support", "group-owner", "group-admin", "group-member", "group-viewer",
)  # fmt: skip
CURATES = ("view_item", "add_item", "change_item", "view_group")
PEOPLE_AT_ONCE = 25
GROUPS_AT_ONCE = 20
ITEMS_AT_ONCE = 500
NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Begun:
    plan: Plan
    is_new: bool
    is_finished: bool


@dataclass(slots=True)
class Seeding:
    """One set in the making; ``made`` counts rows by model."""

    plan: Plan
    admin: User
    population: Population
    advance: Callable[[int], object]
    made: Counter[type[models.Model]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """What ``advance`` will have been told of at the end."""
        return len(self.population.people) + len(self.population.teams) + self.plan.items

    def insert(self, rows: Sequence[models.Model]) -> None:
        insert(rows)
        if rows:
            self.made[type(rows[0])] += len(rows)


# --- The frame ------------------------------------------------------------------------------


def begin(*, admin: User, seed: int, users: int, items: int) -> Begun:
    """Find the set of this seed and size, or commit that it is begun now."""
    wanted = {"seed": seed, "users": users, "items": items}
    with one_at_a_time():
        begun = _find(BEGUN, wanted)
        if begun:
            plan = _plan_of(begun)
            return Begun(plan, is_new=False, is_finished=_find(FINISHED, wanted) is not None)
        plan = _unused(wanted)
        _note(BEGUN, admin, plan)
        return Begun(plan, is_new=True, is_finished=False)


def make(seeding: Seeding) -> None:
    """Make whatever of the set is missing, and commit that it is finished."""
    roles = {role.slug: role for role in Role.objects.alive().filter(slug__in=ROLES)}
    roles[CURATOR] = _make_curator(seeding)
    for people in _batches(seeding.population.people, PEOPLE_AT_ONCE):
        with one_at_a_time():
            _make_people(seeding, people, roles)
        seeding.advance(len(people))
    for teams in _batches(seeding.population.teams, GROUPS_AT_ONCE):
        with one_at_a_time():
            _make_groups(seeding, teams, roles)
        seeding.advance(len(teams))
    for numbers in _batches(range(seeding.plan.items), ITEMS_AT_ONCE):
        with one_at_a_time():
            _make_items(seeding, numbers)
        seeding.advance(len(numbers))
    for rows in deletions_of(seeding.plan, seeding.population):
        with one_at_a_time():
            rows.delete()
    _roll_up(seeding.plan)
    with one_at_a_time():
        _note(FINISHED, seeding.admin, seeding.plan)


def _roll_up(plan: Plan) -> None:
    """Count each day that is over, those again that another set has been counted on."""
    first, last = start_of_activity(plan), last_finished_day()
    days = [first + DAY * number for number in range((last - first).days + 1)]
    for some in _batches(days, DAYS_AT_ONCE):
        roll_up(some)


def start_of_activity(plan: Plan) -> date:
    return (plan.ago(days=DAYS_OF_ACTIVITY) - DAY).astimezone(UTC).date()


def _batches(things: Sequence[Any], size: int) -> Iterator[Any]:
    return (things[start : start + size] for start in range(0, len(things), size))


def _note(action: str, admin: User, plan: Plan) -> None:
    values: dict[str, audit.Leaf] = {
        "seed": plan.seed,
        "users": plan.users,
        "items": plan.items,
        "anchor": audit.iso_utc(plan.anchor),
        "suffix": plan.suffix,
    }
    changes = {name: (None, value) for name, value in values.items()}
    audit.record(action=action, target=admin, changes=changes)


def _find(action: str, wanted: dict[str, int]) -> dict[str, Any] | None:
    events = AuditEvent.objects.filter(model=User._meta.model_name, action=action).order_by("id")
    for changes in events.values_list("changes", flat=True):
        values = {name: after for name, (_, after) in changes.items()}
        if wanted.items() <= values.items():
            return values
    return None


def _plan_of(values: dict[str, Any]) -> Plan:
    return Plan(**{**values, "anchor": datetime.fromisoformat(values["anchor"])})


def _unused(wanted: dict[str, int]) -> Plan:
    """A plan none of whose names is taken by a live row."""
    anchor = timezone.now()
    for number in count(1):
        plan = Plan(**wanted, anchor=anchor, suffix=f"-v{number}" if number > 1 else "")
        population = Population.of(plan)
        people, teams = population.people, population.teams
        if not (
            _taken(User, "username", [person.username for person in people])
            or _taken(User, "email", [person.email for person in people])
            or _taken(Group, "slug", [team.slug for team in teams])
            or _taken(Role, "slug", [CURATOR + plan.suffix])
        ):
            return plan
    raise AssertionError("count() never ends")


def _taken(model: type[models.Model], column: str, names: Sequence[str]) -> bool:
    live = model._base_manager.filter(is_deleted=False).alias(folded=Lower(column))
    return any(live.filter(folded__in=batch).exists() for batch in _batches(names, NAMES_AT_ONCE))


# --- The steps ------------------------------------------------------------------------------


def _make_curator(seeding: Seeding) -> Role:
    """A role of this installation's own, as staff would add one."""
    plan, made_at = seeding.plan, seeding.plan.ago(days=400)
    role = Role(
        id=plan.key(made_at, "role", CURATOR),
        name=f"Content curator{plan.suffix}",
        slug=CURATOR + plan.suffix,
        description="Keeps the items of all groups in good order.",
        created_at=made_at,
        updated_at=made_at,
    )
    with one_at_a_time():
        if missing([role]):
            permissions = Permission.objects.filter(
                content_type__app_label__in=("items", "groups"), codename__in=CURATES
            )
            seeding.insert([role])
            seeding.insert(
                [
                    RolePermission(role=role, permission=permission, granted_by=seeding.admin)
                    for permission in permissions
                ]
            )
            _record(Role, pk=role.pk)
            _record(RolePermission, role=role)
    return role


def _make_people(seeding: Seeding, people: list[Person], roles: dict[str, Role]) -> None:
    plan = seeding.plan
    keys = [person.id for person in people]
    present = set(User.objects.filter(pk__in=keys).values_list("pk", flat=True))
    people = [person for person in people if person.id not in present]
    presences = {person.number: presence_of(plan, person, seeding.admin) for person in people}
    accounts = accounts_of(
        plan,
        people,
        roles=roles,
        admin=seeding.admin,
        last_logins={
            number: presence.last_login
            for number, presence in presences.items()
            if presence.last_login
        },
    )
    visits = [visit for presence in presences.values() for visit in presence.visits]
    seeding.insert(accounts.users)
    seeding.insert(accounts.addresses)
    seeding.insert(accounts.assignments)
    seeding.insert(accounts.api_tokens)
    seeding.insert(accounts.reset_tokens)
    seeding.insert(accounts.totp_devices)
    seeding.insert([device for presence in presences.values() for device in presence.devices])
    seeding.insert([visit.session for visit in visits])
    seeding.insert([activity for visit in visits for activity in activities_of(plan, visit)])
    keys = [person.id for person in people]
    _record(User, pk__in=keys)
    for model in (RoleAssignment, APIToken, PasswordResetToken, TOTPDevice):
        _record(model, user__in=keys)


def _make_groups(seeding: Seeding, teams: list[Team], roles: dict[str, Role]) -> None:
    groups = missing([group_of(seeding.plan, team) for team in teams])
    keys = {group.pk for group in groups}
    seeding.insert(groups)
    seeding.insert(
        [
            membership
            for team in teams
            if team.id in keys
            for membership in memberships_of(seeding.plan, team, roles)
        ]
    )
    seeding.insert(
        [
            invitation
            for team in teams
            if team.id in keys
            for invitation in invitations_of(seeding.plan, team, roles)
        ]
    )
    for model in (Membership, Invitation):
        _record(model, group__in=keys)
    _record(Group, pk__in=keys)


def _make_items(seeding: Seeding, numbers: Sequence[int]) -> None:
    rows = [item_of(seeding.plan, seeding.population, number) for number in numbers]
    rows = missing(rows)
    seeding.insert(rows)
    _record(Item, pk__in=[row.pk for row in rows])


def _record(model: type[models.Model], **which: Any) -> None:
    if all(which.values()):
        audit.record_rows(model._base_manager.filter(**which), action="create")
