"""What the endpoints of the caller's sessions and devices share."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request

from authentication.models import APIToken
from authentication.step_up import RecentStepUp


def session_in_use(request: Request) -> UUID | None:
    """The session that the request is made in; none for an access token."""
    if isinstance(request.auth, APIToken):
        return None
    session: Any = request.session
    found: UUID | None = session.row_id
    return found


class StepUpToChange:
    """For a view: reading is for the signed-in owner, changing needs a recent step-up too."""

    reading: ClassVar[frozenset[str]] = frozenset({"list"})

    def get_permissions(self) -> list[Any]:
        needed: list[Any] = list(super().get_permissions())  # type: ignore[misc]
        return needed if self.action in self.reading else [*needed, RecentStepUp()]  # type: ignore[attr-defined]
