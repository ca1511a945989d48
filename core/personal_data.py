"""What the database holds about people: each app says it of its tables.

Export and deletion read it here. An app that keeps rows about people has a module or package
``personal_data``, which is imported once all models are there and registers what it declares::

    register(
        PersonalRows(
            name="devices",
            says="The browsers and apps that you have signed in from.",
            model=Device,
            through=("user",),
            fields=("id", "name", "browser", "os", "last_ip"),
            closing=DELETE,
        )
    )
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Q, QuerySet
from django.dispatch import Signal

Row = dict[str, Any]
# Sent with ``user`` before an account is closed; a receiver answers the ``Obstacle``s it sees.
account_closing = Signal()


# --- What becomes of rows when the account is closed ------------------------------------------


@dataclass(frozen=True, slots=True)
class Keep:
    """They stay as they are; ``why`` says what for."""

    why: str

    def apply(self, rows: QuerySet[Any], user: Any) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Delete:
    """They go, for good."""

    def apply(self, rows: QuerySet[Any], user: Any) -> int:
        _total, by_label = QuerySet.delete(rows.order_by())
        return by_label.get(rows.model._meta.label, 0)


@dataclass(frozen=True, slots=True)
class Apply:
    """A service of the app does it: it takes the user and answers how many rows it touched."""

    service: Callable[[Any], int]
    what: str

    def apply(self, rows: QuerySet[Any], user: Any) -> int:
        return self.service(user)


Closing = Keep | Delete | Apply
DELETE = Delete()


# --- Declarations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonalRows:
    """The rows of one table that are about a person in one way.

    ``name`` is that of the file in an export; ``fields`` are all that it holds of a row: columns
    of the table, or names across relations such as ``role__slug``, written as ``role_slug``.
    Without ``fields`` nothing is exported, and ``says`` tells why. ``through`` are the foreign
    keys that point at the person, ``only`` narrows the rows, and ``rows`` finds them where no
    key leads there. ``reads`` makes, once an export, the function that each row goes through.
    ``is_account``: events about these rows are about the account itself.
    """

    name: str
    says: Any
    model: type[models.Model]
    closing: Closing
    fields: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    only: Q = field(default_factory=Q)
    rows: Callable[[Any], QuerySet[Any]] | None = None
    reads: Callable[[Any], Callable[[Row], Row]] | None = None
    is_account: bool = False

    def of(self, user: Any) -> QuerySet[Any]:
        """The rows about ``user``, whatever the managers of the model hide."""
        if self.rows is not None:
            return self.rows(user)
        theirs = Q()
        for name in self.through:
            theirs |= Q(**{name: user.pk})
        return QuerySet(self.model).filter(theirs, self.only)

    def read(self, user: Any, *, chunk: int = 1_000) -> Iterator[Row]:
        """What an export holds, oldest first, without having it all in memory."""
        names = [name.replace("__", "_") for name in self.fields]
        shown = self.reads(user) if self.reads else dict
        rows = self.of(user).order_by("pk").values_list(*self.fields)
        for values in rows.iterator(chunk_size=chunk):
            yield shown(dict(zip(names, values, strict=True)))


_declared: dict[str, PersonalRows] = {}


def register(*declarations: PersonalRows) -> None:
    """Add declarations. Raise ``ImproperlyConfigured`` for a name that another table has."""
    for declared in declarations:
        known = _declared.get(declared.name)
        if known is not None and known.model is not declared.model:
            raise ImproperlyConfigured(f"Two kinds of personal data are called {declared.name}.")
        _declared[declared.name] = declared


def declarations() -> list[PersonalRows]:
    """All of them, those of lower apps first."""
    return list(_declared.values())


# --- Obstacles --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an account from being closed; ``detail`` tells its owner what to do about it."""

    code: str
    detail: str


def obstacles_of(user: Any) -> list[Obstacle]:
    """What every app has against closing the account of ``user``."""
    # Not type(): the user of a request is a lazy object around the row.
    answers: list[tuple[Any, Any]] = account_closing.send(sender=user.__class__, user=user)
    return [obstacle for _receiver, found in answers for obstacle in found]
