"""Which pages there are, and whether the files hold what the code says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from truledgr.reference.audit_actions import audit_actions_page
from truledgr.reference.commands import commands_page
from truledgr.reference.endpoints import endpoints_page
from truledgr.reference.error_codes import error_codes_page
from truledgr.reference.permissions import permissions_page
from truledgr.reference.settings import settings_page

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "endpoints.md": endpoints_page,
    "error-codes.md": error_codes_page,
    "audit-actions.md": audit_actions_page,
    "permissions.md": permissions_page,
}


def stale_pages(directory: Path) -> dict[Path, str]:
    """What the files that are missing or out of date should hold."""
    wanted = {directory / name: make() for name, make in PAGES.items()}
    return {path: text for path, text in wanted.items() if _present(path) != text}


def _present(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
