"""Sentences that help somebody who mistyped a name."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_KNOWN = 20


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean …?" with the nearest known words, or what is known."""
    candidates = sorted(known)
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    near = get_close_matches(word.casefold(), by_folded, n=3)
    near += [folded for folded in by_folded if word and folded.startswith(word.casefold())]
    if near:
        names = " or ".join(dict.fromkeys(repr(by_folded[folded]) for folded in near))
        return f"Did you mean {names}?"
    shown = candidates[:MAX_KNOWN]
    if len(candidates) > MAX_KNOWN:
        shown.append(f"and {len(candidates) - MAX_KNOWN:,} more")
    return f"Known: {', '.join(shown) or 'none'}."
