"""Sentences that help somebody who mistyped a name."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean …?" with the nearest known words, or the list of all of them."""
    candidates = sorted(known)
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    near = get_close_matches(word.casefold(), by_folded, n=3)
    near += [folded for folded in by_folded if word and folded.startswith(word.casefold())]
    if near:
        names = " or ".join(dict.fromkeys(repr(by_folded[folded]) for folded in near))
        return f"Did you mean {names}?"
    return f"Known: {', '.join(candidates) or 'none'}."
