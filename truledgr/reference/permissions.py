"""docs/reference/permissions.md: what each permission lets do, and what asks for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.apps import apps
from django.contrib.auth import get_permission_codename

from authorization.access_table import holds
from authorization.system_roles import SYSTEM_ROLES
from truledgr.reference.endpoints import operations
from truledgr.reference.markdown import code, codes, page, sentence, table

EVERYTHING = "administrator"
INTRODUCTION = (
    "A permission is held through a role: everywhere, or on the objects of a group. Superusers and "
    f"the holders of the role `{EVERYTHING}` have all of them; owners may do everything to what is "
    "theirs. [Access](../developer/access.md) has the rule and the whole table of roles. Commands "
    "need a shell and no permission; with `--actor`, that user's count."
)


def permissions_page() -> str:
    asked_for = _operations_of()
    parts = [INTRODUCTION]
    for app in apps.get_app_configs():
        rows = [
            (code(label), says, _holders(label), codes(asked_for.get(label, ())))
            for label, says in _permissions(app.label)
        ]
        if rows:
            head = ("permission", "lets", "system roles", "asked for by")
            parts += [f"## {app.verbose_name}", f"App `{app.label}`.", table(head, rows)]
    return page("Permissions", *parts)


def _permissions(app: str) -> Iterator[tuple[str, str]]:
    """Label and words of each permission that the models of ``app`` declare, as Django has them."""
    for model in apps.get_app_config(app).get_models():
        opts = model._meta
        for verb in opts.default_permissions:
            words = f"{verb} {opts.verbose_name_raw}"
            yield f"{app}.{get_permission_codename(verb, opts)}", sentence(words)
        for codename, name in opts.permissions:
            yield f"{app}.{codename}", sentence(str(name).removeprefix("Can "))


def _holders(label: str) -> str:
    roles = [role.slug for role in SYSTEM_ROLES if role.slug != EVERYTHING and holds(role, label)]
    return codes(roles)


def _operations_of() -> dict[str, list[str]]:
    """The operations whose permission names a label, by label."""
    found: dict[str, list[str]] = defaultdict(list)
    for operation in operations():
        for word in operation.permission.replace("`", " ").replace(",", " ").split():
            if "." in word.strip("."):
                found[word].append(operation.name)
    return found
