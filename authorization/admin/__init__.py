"""Roles, what they hold and who holds them, in the admin."""

from authorization.admin import assignments, explaining, people, permissions, roles
from authorization.admin.explaining import ExplainedUserMixin
from authorization.admin.people import UserWithRolesAdmin

__all__ = [
    "ExplainedUserMixin", "UserWithRolesAdmin", "assignments", "explaining", "people",
    "permissions", "roles",
]  # fmt: skip
