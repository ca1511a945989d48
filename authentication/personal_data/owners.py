"""Who may ask for an export or a deletion: nobody but the owner of the account."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.context import current
from core.errors import NotAllowedError


def refuse_impersonator() -> None:
    """Raise ``NotAllowedError`` for staff who act as somebody: it is not theirs to ask for."""
    if current().impersonator() is not None:
        raise NotAllowedError(_("Only the owner of the account can do this."))
