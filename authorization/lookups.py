"""What people name when they ask about access: a permission, an object, a user.

What is not there is refused by ``DomainError``, with near matches where there are any.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model

from authorization.grounds import explained_models
from authorization.labels import every_permission, permissions_named
from core.errors import DomainError, NoSuchError
from core.json_values import flaw_of_text, printable
from core.rows import all_rows
from users.models import User

MOST_NEAR = 3
LONGEST_TEXT = 300


class UnknownError(DomainError):
    """What was named is not there."""

    code = "not_found"


def known_permission(label: str) -> str:
    """``label`` itself; raise ``DomainError`` when no permission is called so."""
    _refuse_unreadable(label, "permission")
    if label not in permissions_named([label]):
        raise NoSuchError(
            f"There is no permission {printable(label)!r}.{_near_permissions(label)}",
            field="permission",
        )
    return label


def find_object(text: str) -> Model:
    """The object that ``app.model:key`` names, deleted ones too.

    Raise ``DomainError`` for what does not name one, and ``UnknownError`` for one that is not
    there.
    """
    _refuse_unreadable(text, "object")
    name, _colon, key = text.partition(":")
    found = explained_models().get(name.lower())
    if found is None:
        known = ", ".join(explained_models())
        near = _did_you_mean(get_close_matches(name.lower(), explained_models(), MOST_NEAR))
        raise DomainError(
            f"There are no objects {printable(name)!r} that grant anything.{near} Name one as "
            f"app.model:id, with one of {known}; of others only what is held everywhere counts.",
            field="object",
        )
    model: Any = found.model
    try:
        value = model._meta.pk.to_python(key)
        model._meta.pk.get_prep_value(value)
    except (ValidationError, ValueError, TypeError):
        value = None
    if value is None or (isinstance(value, int) and not 0 < value < 1 << 63):
        raise DomainError(
            f"Not the id of a {model._meta.verbose_name}: {printable(key)!r}.", field="object"
        )
    rows = all_rows(model, "default").select_related(*found.related)
    obj: Model | None = rows.filter(pk=value).first()
    if obj is None:
        raise UnknownError(f"There is no {model._meta.verbose_name} {key}.", field="object")
    return obj


def name_of(obj: Model) -> str:
    """What ``find_object()`` finds it by."""
    return f"{obj._meta.label_lower}:{obj.pk}"


def find_user(name: str) -> User:
    """The user of that id, username or e-mail address, live ones first.

    Raise ``UnknownError`` when there is none, ``DomainError`` when several deleted users were
    called so.
    """
    _refuse_unreadable(name, "user")
    try:
        found = list(User.objects.filter(pk=UUID(name)))
    except ValueError:
        named = User.objects.named(name)
        found = list(named.filter(is_deleted=False)) or list(named[:2])
    if not found:
        raise UnknownError(f"There is no user called {printable(name)!r}.", field="user")
    if len(found) > 1:
        raise DomainError(
            f"Several deleted users were called {name!r}. Give the id of one.", field="user"
        )
    user: User = found[0]
    return user


def _near_permissions(label: str) -> str:
    labels = [known.permission for known in every_permission()]
    wanted = label.lower().rpartition(".")[2]
    same = [known for known in labels if known.partition(".")[2] == wanted]
    near = [*same, *get_close_matches(label.lower(), labels, MOST_NEAR)]
    return _did_you_mean(dict.fromkeys(near)) or " Name one as app.codename."


def _did_you_mean(near: Any) -> str:
    names = list(near)[:MOST_NEAR]
    return f" Did you mean {' or '.join(names)}?" if names else ""


def _refuse_unreadable(text: str, field: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise DomainError(f"Longer than {LONGEST_TEXT} characters.", field=field)
    if flaw := flaw_of_text(text):
        raise DomainError(flaw, field=field)
