"""What Django's registry knows about a model."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Model


def options(model: type[Model]) -> Any:
    """Return the model's ``_meta``, which is public in Django in spite of its name.

    The type says nothing, since django-stubs lacks half of what is read from it here.
    """
    return model._meta


def model_description(model: type[Model]) -> str:
    """Return the model's own docstring, else the comment of its table."""
    meta = options(model)
    if meta.auto_created:
        return f"Join table of the many-to-many field `{_joining_field(model)}`."
    docstring = inspect.cleandoc(model.__doc__ or "")
    # Django writes the names of the fields itself; libraries add fields afterwards.
    if re.fullmatch(rf"({re.escape(model.__name__)}\([\w, ]*\))?", docstring):
        return str(meta.db_table_comment or "")
    return docstring


def _joining_field(through: type[Model]) -> str:
    owner = options(options(through).auto_created)
    names = (
        field.name for field in owner.local_many_to_many if field.remote_field.through is through
    )
    return f"{owner.label}.{next(names)}"


def columns_of(model: type[Model], names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of fields; a composite primary key stands for several."""
    fields = (options(model).get_field(name) for name in names)
    return tuple(
        column
        for field in fields
        for column in (
            [part.column for part in options(model).pk_fields]
            if field.column is None
            else [field.column]
        )
    )
