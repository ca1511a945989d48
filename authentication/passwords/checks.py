"""System checks: the lists are there and whole before anybody chooses a password."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from authentication.passwords.blocklists import BREACHED, COMMON, configured_list, open_list
from authentication.passwords.hash_lists import HashListError


def check_password_lists(**_options: Any) -> list[CheckMessage]:
    """Error ``authentication.E001`` for a shipped list, ``E002`` for the configured one."""
    problems: list[CheckMessage] = []
    for path in (COMMON, BREACHED):
        try:
            open_list(path)
        except HashListError as error:
            hint = "Restore it, or make it anew: manage.py build_shipped_passwords."
            problems.append(Error(str(error), hint=hint, id="authentication.E001"))
    try:
        configured_list()
    except HashListError as error:
        hint = (
            "Make it with manage.py build_breached_passwords, or unset BREACHED_PASSWORDS_FILE to "
            "use the shipped list alone."
        )
        problems.append(
            Error(f"BREACHED_PASSWORDS_FILE: {error}", hint=hint, id="authentication.E002")
        )
    return problems
