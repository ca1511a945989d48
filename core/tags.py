"""Tags: short texts that people put on things, as every app that has some takes them."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError
from core.json_values import flaw_of

MOST_TAGS = 20
LONGEST_TAG = 50


def check_tags(tags: Any) -> None:
    """Raise ``DomainError`` unless it is a list of different short texts."""
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise DomainError("Must be a list of strings.", field="tags")
    if len(tags) > MOST_TAGS:
        raise DomainError(f"More than {MOST_TAGS} tags.", field="tags")
    if any(not tag.strip() or len(tag) > LONGEST_TAG for tag in tags):
        raise DomainError(f"A tag has 1 to {LONGEST_TAG} characters.", field="tags")
    if len(set(tags)) < len(tags):
        raise DomainError("A tag stands more than once.", field="tags")
    if flaw := flaw_of(tags):
        raise DomainError(flaw, field="tags")
