"""Everything that a user may do, everywhere and on which objects: one query, kept on the user.

Roles are held everywhere by assignments, and on single objects by what higher apps register with
``register_holdings()``: a membership of a group holds a role on that group. The rows are read
together, by one statement, at the first question; whoever asks again asks memory. What changes
meanwhile counts from the next request on, which reads its user anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Aggregate, CharField, F, QuerySet, TextField, UUIDField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from authorization.models import RoleAssignment, RolePermission
from core.audit_insert import adapted_key
from core.compiled_query import CompiledQuery, compile_query
from users.models import User

CACHE = "_access"
# Stand in the compiled statement for whom it is about, and when.
ANYBODY, ANY_MOMENT = UUID(int=(1 << 128) - 1), datetime(1, 1, 1, tzinfo=UTC)
EVERYWHERE, ROLE = "", "role"
EVERYTHING = None  # in place of a role: holds whatever there is to hold on the object


@dataclass(frozen=True, slots=True)
class Holdings:
    """Which roles a user holds on which objects of one kind.

    ``kind`` names the objects, such as ``groups``. ``held(user_id, at)`` are rows in force at
    that moment; ``object_id`` and ``role_id`` name their columns. ``roles(user_id, at)`` are the
    same or more of them, cheaper to find: they only name roles. ``owned(user_id)`` are the objects
    on which the user may do everything.
    """

    kind: str
    held: Callable[[UUID, datetime], QuerySet[Any]]
    roles: Callable[[UUID, datetime], QuerySet[Any]]
    owned: Callable[[UUID], QuerySet[Any]]
    object_id: str = "group_id"
    role_id: str = "role_id"


@dataclass(slots=True)
class Access:
    """``everywhere`` are labels (``app.codename``); ``roles`` maps a role to those it holds.

    ``objects`` maps a kind to each object's role there, ``None`` for everything.
    """

    everywhere: set[str] = field(default_factory=set)
    roles: dict[UUID, set[str]] = field(default_factory=dict)
    objects: dict[str, dict[UUID, UUID | None]] = field(default_factory=dict)

    def grants(self, kind: str, key: UUID, permission: str) -> bool:
        """Whether a role on that object, not one held everywhere, holds ``permission``."""
        held = self.objects.get(kind, {})
        return key in held and self._holds(held[key], permission)

    def objects_granting(self, kind: str, permission: str) -> list[UUID]:
        """The keys of the objects on which a role there holds ``permission``, for an IN."""
        holding = {role for role in self.roles if permission in self.roles[role]}
        held = self.objects.get(kind, {})
        return [key for key, role in held.items() if role is EVERYTHING or role in holding]

    def permissions_on(self, kind: str, key: UUID) -> set[str] | None:
        """What the user's role on that object holds; ``None`` for everything."""
        held = self.objects.get(kind, {})
        if key not in held:
            return set()
        role = held[key]
        return None if role is EVERYTHING else self.roles.get(role, set())

    def _holds(self, role: UUID | None, permission: str) -> bool:
        return role is EVERYTHING or permission in self.roles.get(role, ())


_sources: dict[str, Holdings] = {}


def register_holdings(holdings: Holdings) -> None:
    """Let roles be held on objects of one more kind."""
    _sources[holdings.kind] = holdings
    _statement.cache_clear()


def access_of(user: User) -> Access:
    """What ``user`` may do; nothing for one who may not sign in. One query, then none."""
    if not user.can_sign_in:
        return Access()  # not kept: a copy of the user may be asked what waking up would give
    known: Access | None = user.__dict__.get(CACHE)
    if known is None:
        known = user.__dict__[CACHE] = _read(user)
    return known


def forget_access(user: User) -> None:
    """Read it anew at the next question, after a change in the same request."""
    user.__dict__.pop(CACHE, None)


def objects_held(user: User, kind: str) -> list[Any]:
    """The objects of one kind on which ``user`` holds anything; one query after that of
    ``access_of()``.
    """
    keys = list(access_of(user).objects.get(kind, {}))
    return list(_sources[kind].owned(user.pk).model._base_manager.filter(pk__in=keys))


def rows_to_read(user_id: UUID, at: datetime) -> QuerySet[Any, Any]:
    """The query that is compiled: (what, object, role, permission) of everything in force.

    A role stands once however many objects it is held on; what it holds follows in rows of
    ``ROLE``.
    """
    assigned = RoleAssignment.objects.in_force(at).filter(user=user_id)
    parts = [_part(assigned, EVERYWHERE, role="role_id")]
    roles: list[QuerySet[Any, Any]] = [assigned.order_by().values("role_id")]
    for kind, source in sorted(_sources.items()):
        held = source.held(user_id, at)
        roles.append(source.roles(user_id, at).order_by().values(source.role_id))
        parts += [
            _part(held, kind, key=source.object_id, role=source.role_id),
            _part(source.owned(user_id), kind, key="pk"),
        ]
    parts.append(_part_of_roles(roles[0].union(*roles[1:])))
    rows: QuerySet[Any, Any] = parts[0].union(*parts[1:], all=True)
    return rows


def _part_of_roles(roles: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """A row for each role with all that it holds, however many of the others name it."""
    holding = RolePermission.objects.filter(
        role__in=roles, role__is_active=True, role__is_deleted=False
    )
    label = Concat("permission__content_type__app_label", Value("."), "permission__codename")
    rows: QuerySet[Any, Any] = (
        holding.order_by()
        .values("role_id")
        .annotate(
            what_=Value(ROLE, CharField()),
            object_=Cast(Value(None), UUIDField()),
            role_=F("role_id"),
            label_=_Lines(label),
        )
        .values_list("what_", "object_", "role_", "label_")
    )
    return rows


class _Lines(Aggregate):
    """The texts of a group, one in a line, which no label contains an end of."""

    function = "GROUP_CONCAT"
    template = "%(function)s(%(expressions)s, CHR(10))"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="%(function)s(%(expressions)s, CHAR(10))", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **context)


def _part(
    rows: QuerySet[Any], what: str, *, key: str = "", role: str = "", label: Any = None
) -> QuerySet[Any, Any]:
    nothing = Cast(Value(None), UUIDField())
    named: QuerySet[Any, Any] = (
        rows.order_by()
        .annotate(
            what_=Value(what, CharField()),
            object_=F(key) if key else nothing,
            role_=F(role) if role else nothing,
            label_=label or Value("", CharField()),
        )
        .values_list("what_", "object_", "role_", "label_")
    )
    return named


@lru_cache
def _statement() -> CompiledQuery:
    return compile_query(partial(rows_to_read, ANYBODY, ANY_MOMENT))


def _read(user: User) -> Access:
    access = Access(objects={kind: {} for kind in _sources})
    everywhere: set[UUID] = set()
    moment = connection.ops.adapt_datetimefield_value
    given = {
        adapted_key(connection, ANYBODY): adapted_key(connection, user.pk),
        moment(ANY_MOMENT): moment(timezone.now()),
    }
    for what, key, role, label in _statement().run(given):
        if what == ROLE:
            access.roles[role] = set(label.split("\n"))
        elif what == EVERYWHERE:
            everywhere.add(role)
        else:
            objects = access.objects[what]
            if role is EVERYTHING or key not in objects:
                objects[key] = role
    for role in everywhere:
        access.everywhere |= access.roles.get(role, set())
    return access
