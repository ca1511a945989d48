"""What the forms of roles and of assignments share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.admin_base import refusal_text
from core.errors import DomainError


def add_refusal(form: Any, error: BaseException) -> None:
    """Show what a service would refuse at the field that is to blame."""
    field = error.field if isinstance(error, DomainError) else None
    form.add_error(field if field in form.fields else None, refusal_text(error))


class ActorFormSetMixin:
    """Tells the formset who is at the keyboard, and reads existing rows without changing them."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        made = super().get_formset(request, obj, **kwargs)  # type: ignore[misc]
        made.actor = request.user
        return made

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
