"""What tells one installation from another: ``ENVIRONMENT_NAME``, beside the name of the site."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

# The colour follows what the first word of the name is known for; the name itself always shows.
KINDS = {
    "development": ("development", "dev", "local"),
    "trial": ("staging", "stage", "test", "testing", "qa", "uat", "preview", "demo"),
    "production": ("production", "prod", "live"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    name: str
    kind: str


def badge_of(name: str) -> Badge | None:
    """The badge of an installation of that name; none where it has no name."""
    if not name:
        return None
    first = name.casefold().replace("-", " ").split()[0]
    kinds = [kind for kind, words in KINDS.items() if first in words]
    return Badge(name, kinds[0] if kinds else "other")


def environment_badge(_request: HttpRequest) -> dict[str, Badge | None]:
    """For every template: ``environment_badge``."""
    return {"environment_badge": badge_of(settings.ENVIRONMENT_NAME)}
