"""Somebody always stays who may do everything: the one rule, whoever is about to break it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import IntEnum
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from authorization.models import Role, RoleAssignment
from core.errors import ConflictError
from users.models import User

ADMINISTRATOR = "administrator"


class Standing(IntEnum):
    """How long somebody stays who may do everything, if nothing else happens."""

    NOBODY = 0
    FOR_A_TIME = 1
    FOR_GOOD = 2


@contextmanager
def keeping_an_administrator() -> Iterator[None]:
    """Undo what is done inside, and raise ``ConflictError``, when nobody stays who runs things.

    Whoever holds the administrator role in force or is a superuser does, while they may sign in
    and have not asked to be deleted. An end counts before it comes: as long as there is somebody
    for good, there has to be. Writers take turns, so that of two that leave at once one stays.
    """
    with transaction.atomic():
        _take_turns()
        before = _standing()
        yield
        if _standing() < before:
            raise ConflictError(
                _("This would leave nobody who runs the installation for good. Make somebody else "
                  "an administrator first.")
            )  # fmt: skip


def is_needed(user: User) -> bool:
    """Whether nobody as lasting would be left to run things without ``user``.

    Counts for the transaction that asks: others who ask wait for its end.
    """
    alone = _standing(only=user.pk)
    if alone == Standing.NOBODY:  # as nearly everybody: one query, and nobody waits
        return False
    with transaction.atomic():
        _take_turns()
        return alone > _standing(without=[user.pk])


def _take_turns() -> None:
    """The row that all administrators have in common; nothing else locks it for long."""
    roles = Role.objects.filter(slug=ADMINISTRATOR, is_system=True).order_by("pk")
    list(roles.select_for_update(no_key=True).values_list("pk", flat=True))


def _standing(*, without: Collection[UUID] = (), only: UUID | None = None) -> Standing:
    """By one query; ``only`` looks at one user, who may have asked to be deleted."""
    holding = RoleAssignment.objects.in_force().filter(
        user=OuterRef("pk"), role__slug=ADMINISTRATOR, role__is_system=True
    )
    people = User.objects.active().exclude(pk__in=without)
    people = people.filter(pk=only) if only else people.filter(deletion_due_at=None)
    people = people.filter(Q(Exists(holding)) | Q(is_superuser=True))
    lasting = Q(Exists(holding.filter(expires_at=None))) | Q(is_superuser=True)
    kinds = set(people.order_by().annotate(lasts=lasting).values_list("lasts", flat=True))
    if not kinds:
        return Standing.NOBODY
    return Standing.FOR_GOOD if True in kinds else Standing.FOR_A_TIME
