"""How many guesses a password takes from somebody who knows how people make passwords.

The whole password is read as a chain of pieces: common words, the user's own words, keyboard and
counting sequences, years, repetitions and, for the rest, single characters. Each piece costs
bits, and the cheapest chain counts. So no password is refused for a word that it contains (NIST
SP 800-63B-4, 3.1.1.2), only for having too little besides.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from math import inf, log2

from django.contrib.auth.password_validation import CommonPasswordValidator

SHORTEST_WORD, LONGEST_WORD = 4, 24
SHORTEST_SEQUENCE, SHORTEST_REPEAT = 4, 3
COMMON_WORD_BITS, OWN_WORD_BITS, SEQUENCE_BITS, YEAR_BITS, REPEAT_BITS = 14.3, 2.0, 6.0, 7.0, 4.0
DIGIT_BITS, LETTER_BITS, OTHER_BITS = log2(10), log2(26), 5.0

YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9][0-9](?![0-9])", re.ASCII)
LEET = [str.maketrans("01345789@$!|+", f"o{one}eastbgas{one}{one}t") for one in "il"]

KEYBOARDS = (
    ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    ("1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm,.-"),
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn,;:!"),
    ("!@#$%^&*()_+",),
)
COUNTING = (string.digits, string.ascii_lowercase)
LARGEST_STEP = 2

Direction = tuple[int, int, int]


def plain(text: str) -> str:
    """``text`` without case, accents and compatibility forms, to compare words by."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def guess_bits(password: str, *, own_words: Collection[str] = (), enough: float = inf) -> float:
    """The base-2 logarithm of the guesses for ``password``, and at most ``enough``.

    ``own_words`` are ``plain()`` words that cost next to nothing: those of the user and the site.
    """
    text = plain(password)
    readings = list(dict.fromkeys([text, *(text.translate(table) for table in LEET)]))
    # The cheapest way to each place that is cheaper than `enough`. Pieces only lead onward, so
    # the first place is final when it is taken.
    own = tuple(own_words)
    reached = {0: 0.0}
    while reached:
        at = min(reached)
        bits = reached.pop(at)
        if at == len(text):
            return bits
        for end, cost in _pieces(text, readings, at, own):
            if bits + cost < min(enough, reached.get(end, inf)):
                reached[end] = bits + cost
    return enough


def _pieces(
    text: str, readings: list[str], at: int, own_words: tuple[str, ...]
) -> Iterator[tuple[int, float]]:
    """Where the pieces that begin ``at`` end, and what they cost."""
    yield at + 1, _character_bits(text[at])
    for reading in readings:
        yield from _words(reading, at, own_words)
    if YEAR.match(text, at):
        yield at + 4, YEAR_BITS
    end = _end_of_sequence(text, at)
    if end - at >= SHORTEST_SEQUENCE:
        yield end, SEQUENCE_BITS
    end = _end_of_repeat(text, at)
    if end - at >= SHORTEST_REPEAT:
        yield end, REPEAT_BITS


def _words(reading: str, at: int, own_words: tuple[str, ...]) -> Iterator[tuple[int, float]]:
    if reading.startswith(own_words, at):
        for word in own_words:
            if reading.startswith(word, at):
                yield at + len(word), OWN_WORD_BITS
    if reading[at : at + SHORTEST_WORD] in _beginnings():
        for end in range(at + SHORTEST_WORD, min(at + LONGEST_WORD, len(reading)) + 1):
            if reading[at:end] in _common_words():
                yield end, COMMON_WORD_BITS


def _character_bits(char: str) -> float:
    if char in string.digits:
        return DIGIT_BITS
    return LETTER_BITS if char in string.ascii_lowercase else OTHER_BITS


def _end_of_sequence(text: str, at: int) -> int:
    """Where the longest straight line of keys or letters that begins ``at`` ends."""
    directions = _directions().get(text[at : at + 2], frozenset())
    while directions:
        at += 1
        directions &= _directions().get(text[at : at + 2], frozenset())
        if not directions:
            return at + 1
    return at


def _end_of_repeat(text: str, at: int) -> int:
    """Where the longest text that begins ``at`` and also begins before it ends."""
    low, high = 0, len(text) - at
    while low < high:
        middle = (low + high + 1) // 2
        if text.find(text[at : at + middle], 0, at + middle - 1) >= 0:
            low = middle
        else:
            high = middle - 1
    return at + low


@cache
def _common_words() -> frozenset[str]:
    """Django's list of 20,000 common passwords."""
    words = map(plain, CommonPasswordValidator().passwords)
    return frozenset(word for word in words if SHORTEST_WORD <= len(word) <= LONGEST_WORD)


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(word[:SHORTEST_WORD] for word in _common_words())


@cache
def _directions() -> dict[str, frozenset[Direction]]:
    """For two characters that are neighbours somewhere: where, and which way."""
    found: dict[str, set[Direction]] = {}
    for number, rows in enumerate(KEYBOARDS):
        keys = {key: (y, x) for y, row in enumerate(rows) for x, key in enumerate(row)}
        for key, (y, x) in keys.items():
            for other, (v, u) in keys.items():
                if max(abs(v - y), abs(u - x)) == 1:
                    found.setdefault(key + other, set()).add((number, v - y, u - x))
    for number, row in enumerate(COUNTING, start=len(KEYBOARDS)):
        for step in range(1, LARGEST_STEP + 1):
            for low, high in zip(row, row[step:], strict=False):
                found.setdefault(low + high, set()).add((number, 0, step))
                found.setdefault(high + low, set()).add((number, 0, -step))
    return {pair: frozenset(directions) for pair, directions in found.items()}
