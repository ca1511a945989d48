"""The admin's page of a user: what each app has to say of people, put together."""

from __future__ import annotations

from django.contrib import admin

from authentication.admin.impersonation import ImpersonationAdmin
from authorization.admin import ExplainedUserMixin, UserWithRolesAdmin
from users.models import User

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(ExplainedUserMixin, ImpersonationAdmin, UserWithRolesAdmin):
    """Their profile, the roles that they hold, and what staff may do for their account."""
