"""The options of a group: the documented schema of ``Group.settings``.

Each key has an effect; a key that is not here is refused. Rows from before may hold other keys:
they stay and do nothing until the settings are written again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from authorization.models import Role, RoleScope
from core.errors import DomainError
from core.json_values import printable
from groups.models import Group

DEFAULT_ROLE = "group-member"
LONGEST_INVITATION = 30  # days
JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "default_role": {
            "type": "string",
            "default": DEFAULT_ROLE,
            "description": "Slug of the role, of scope group, that whoever joins holds.",
        },
        "members_may_invite": {
            "type": "boolean",
            "default": False,
            "description": "Every member may invite, not only who holds groups.add_invitation.",
        },
        "members_see_members": {
            "type": "boolean",
            "default": True,
            "description": "Off: a member sees only themselves and who runs the group.",
        },
        "invitation_days": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST_INVITATION,
            "default": 7,
            "description": "How long an invitation can be accepted.",
        },
        "mail_requests_to_admins": {
            "type": "boolean",
            "default": False,
            "description": "Who may approve hears by mail of each request to join.",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a group's settings say, with the defaults for what they do not."""

    default_role: str = DEFAULT_ROLE
    members_may_invite: bool = False
    members_see_members: bool = True
    invitation_days: int = 7
    mail_requests_to_admins: bool = False

    def role(self) -> Role:
        """What whoever joins holds; a group's role that is gone falls back to group-member."""
        roles = Role.objects.alive().filter(scope=RoleScope.GROUP)
        found = roles.filter(slug=self.default_role, is_active=True).first()
        return found or roles.get(slug=DEFAULT_ROLE)


KEYS = tuple(field.name for field in fields(Options))


def options_of(group: Group) -> Options:
    """The group's options; a stored value that would be refused today counts as its default."""
    stored = group.settings if isinstance(group.settings, dict) else {}
    return Options(
        **{key: stored[key] for key in KEYS if key in stored and _flaw_of(key, stored[key]) is None}
    )


def check_settings(settings: Any) -> Role | None:
    """Raise ``DomainError`` unless it is a valid ``Group.settings``; answer its default role.

    ``None`` when it names none.
    """
    if not isinstance(settings, dict):
        raise DomainError("Must be a JSON object.", field="settings")
    known = ", ".join(KEYS)
    for key, value in settings.items():
        if key not in KEYS:
            name = printable(str(key))
            raise DomainError(f"There is no option {name!r}; those are: {known}.", field="settings")
        if flaw := _flaw_of(key, value):
            raise DomainError(f"{key}: {flaw}", field="settings")
    if "default_role" not in settings:
        return None
    roles = Role.objects.active().filter(scope=RoleScope.GROUP)
    role = roles.filter(slug=settings["default_role"]).first()
    if role is None:
        text = "default_role: No active role of scope group has this slug."
        raise DomainError(text, field="settings")
    return role


def _flaw_of(key: str, value: Any) -> str | None:
    kind = JSON_SCHEMA["properties"][key]["type"]
    if kind == "boolean" and not isinstance(value, bool):
        return "Must be true or false."
    if kind == "string" and not (isinstance(value, str) and value.isascii() and "\0" not in value):
        return "Must be the slug of a role."
    if kind == "integer" and (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 1 <= value <= LONGEST_INVITATION
    ):
        return f"Must be a whole number of days, 1 to {LONGEST_INVITATION}."
    return None
