"""Which system role holds which permission, as a table for ``docs/developer/access.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from django.apps import apps
from django.contrib.auth import get_permission_codename

from authorization.system_roles import SYSTEM_ROLES, SystemRole

BEGIN = "<!-- Made by `manage.py generate_access_table`: -->"
END = "<!-- end -->"


def permission_labels() -> list[str]:
    """``app.codename`` of every permission that the installed models declare; no query."""
    found = set()
    for model in apps.get_models():
        opts = model._meta
        codenames = [get_permission_codename(verb, opts) for verb in opts.default_permissions]
        codenames += [codename for codename, _name in opts.permissions]
        found |= {f"{opts.app_label}.{codename}" for codename in codenames}
    return sorted(found)


def table_of(labels: Iterable[str], roles: Sequence[SystemRole] = SYSTEM_ROLES) -> str:
    """Markdown: a line for each permission, a column for each role."""
    return "\n".join(_lines(labels, roles))


def _lines(labels: Iterable[str], roles: Sequence[SystemRole]) -> Iterator[str]:
    yield f"| permission | {' | '.join(role.slug for role in roles)} |"
    yield f"|---|{':-:|' * len(roles)}"
    for label in labels:
        marks = ("●" if holds(role, label) else " " for role in roles)
        yield f"| `{label}` | {' | '.join(marks)} |"


def holds(role: SystemRole, label: str) -> bool:
    return any(fnmatchcase(label, pattern) for pattern in role.permissions)


def with_table(page: str, table: str) -> str:
    """``page`` with ``table`` between the marks; raise ``ValueError`` for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no {BEGIN!r} with an {END!r} after it.")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
