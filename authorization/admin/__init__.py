"""Roles, what they hold and who holds them, in the admin."""

from authorization.admin import assignments, permissions, roles
from authorization.admin.assignments import UserWithRolesAdmin

__all__ = ["UserWithRolesAdmin", "assignments", "permissions", "roles"]
