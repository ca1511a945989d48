"""System check: the weights are those of rules that exist."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from users.risk.assessment import HIGHEST
from users.risk.rules import RULES


def check_risk_weights(**_options: Any) -> list[CheckMessage]:
    """Error ``users.E001`` for a rule that does not exist, ``users.E002`` for a bad weight."""
    problems: list[CheckMessage] = []
    for name, weight in settings.RISK_WEIGHTS.items():
        if name not in RULES:
            hint = f"The rules are {', '.join(sorted(RULES))}."
            text = f"RISK_WEIGHTS: there is no rule {name!r}."
            problems.append(Error(text, hint=hint, id="users.E001"))
        elif type(weight) is not int or not 0 <= weight <= HIGHEST:
            hint = f"Give it a whole number from 0, which switches it off, to {HIGHEST}."
            text = f"RISK_WEIGHTS: {weight!r} is no weight for {name!r}."
            problems.append(Error(text, hint=hint, id="users.E002"))
    return problems
