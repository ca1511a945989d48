"""The line of the admin's index that leads to who may do what, and why.

The page itself is ``authorization.admin.explaining``, which this cannot import: the site is made
before the pages are registered with it.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from authorization.models import VIEW_ASSIGNMENT


def entry_of(request: HttpRequest) -> dict[str, Any] | None:
    """The page as a line of the admin's index, for those who may open it."""
    if not request.user.has_perm(VIEW_ASSIGNMENT):
        return None
    return {
        "name": _("Why may somebody do this?"),
        "object_name": "Explanation",
        "admin_url": reverse("admin:authorization_explain"),
        "add_url": None,
        "view_only": True,
        "perms": {"add": False, "change": False, "delete": False, "view": True},
    }
