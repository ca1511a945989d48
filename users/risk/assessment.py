"""The score: the weights of the rules that fire, added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from users.risk.facts import Facts
from users.risk.rules import RULES

HIGHEST = 100


@dataclass(frozen=True, slots=True)
class Assessment:
    """A score of 0 to 100, and the rules that made it with their weights, heaviest first."""

    score: int = 0
    fired: tuple[tuple[str, int], ...] = ()

    @property
    def asks(self) -> bool:
        """Whether to ask again who it is."""
        return self.score >= settings.RISK_ASK_SCORE

    @property
    def ends(self) -> bool:
        """Whether nothing less than a second factor will do."""
        return self.score >= settings.RISK_END_SCORE

    @property
    def rules(self) -> list[dict[str, Any]]:
        """As ``UserSession.risk_rules`` has them."""
        return [{"rule": name, "weight": weight} for name, weight in self.fired]

    @property
    def columns(self) -> dict[str, Any]:
        """Of ``UserSession``."""
        return {
            "risk_score": self.score,
            "risk_rules": self.rules,
            "is_suspicious": self.asks,
        }


def assess(facts: Facts) -> Assessment:
    """Ask every rule that has a weight in ``RISK_WEIGHTS``."""
    weights: Mapping[str, int] = settings.RISK_WEIGHTS
    fired = [
        (name, weights[name])
        for name, rule in RULES.items()
        if weights.get(name, 0) > 0 and rule(facts)
    ]
    fired.sort(key=lambda each: -each[1])
    return Assessment(min(HIGHEST, sum(weight for _name, weight in fired)), tuple(fired))
