"""Reading what the Have I Been Pwned downloader writes: one file, or one for each range."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

HASH_DIGITS, RANGE_DIGITS = 40, 5
LONGEST_LINE = 128
RANGE_FILE = re.compile(rf"[0-9A-Fa-f]{{{RANGE_DIGITS}}}\.txt", re.ASCII)
BYTES_OF_A_LINE = 43


class BreachedHashesError(Exception):
    """The input is not what the downloader writes; the message names the file and the line."""

    code = "breached_hashes"


def parts_of(source: Path) -> list[Path]:
    """``source`` itself, or in a directory the files ``00000.txt`` … ``FFFFF.txt`` in order."""
    if not source.is_dir():
        return [source]
    parts = sorted(
        (path for path in source.iterdir() if RANGE_FILE.fullmatch(path.name)),
        key=lambda path: path.name.upper(),
    )
    if not parts:
        raise BreachedHashesError(f"{source}: no files called like 00000.txt in it.")
    return parts


def read_digests(
    parts: list[Path], *, minimum_count: int, advance: Callable[[int], object]
) -> Iterator[bytes]:
    """The SHA-1 digests seen ``minimum_count`` times or more, in ascending order.

    ``advance`` is told how many bytes were read. Raise ``BreachedHashesError`` at the first line
    that is malformed or not greater than the one before, with its number.
    """
    previous = b""
    for part in parts:
        prefix = part.stem.encode() if RANGE_FILE.fullmatch(part.name) else b""
        with part.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), b""), start=1):
                advance(len(line))
                try:
                    digest, count = _parsed(line, prefix)
                except ValueError:
                    raise BreachedHashesError(
                        f"{part}, line {number}: not HASH:COUNT with "
                        f"{HASH_DIGITS - len(prefix)} hexadecimal digits of a SHA-1."
                    ) from None
                if digest <= previous:
                    raise BreachedHashesError(
                        f"{part}, line {number}: not greater than the hash before it. "
                        "The list has to be ordered by hash."
                    )
                previous = digest
                if count >= minimum_count:
                    yield digest


def _parsed(line: bytes, prefix: bytes) -> tuple[bytes, int]:
    hash_, colon, count = line.rstrip(b"\r\n").partition(b":")
    if not colon or len(prefix) + len(hash_) != HASH_DIGITS or not count.isdigit():
        raise ValueError
    # bytes.fromhex() would skip spaces, but then the digest is too short.
    digest = bytes.fromhex((prefix + hash_).decode("ascii"))
    if 2 * len(digest) != HASH_DIGITS:
        raise ValueError
    return digest, int(count)
