"""A set of hashes in one compact file, searched in place.

The file is a header, an index and the entries. The first ``bucket_bits`` bits of a hash choose
its bucket, the index says where each bucket begins, and an entry is the ``suffix_bytes`` bytes
that follow those bits. The other bits are not kept, so that a hash which is not in the set is
taken for one that is with a probability of ``count / 2 ** (bucket_bits + 8 * suffix_bytes)``.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import IO

MAGIC, VERSION = b"TLHASHES", 1
HEADER = struct.Struct("<8sBBB5xQ")  # magic, version, bucket_bits, suffix_bytes, count
OFFSET = struct.Struct("<I")
TWO_OFFSETS = struct.Struct("<II")
MOST_BUCKET_BITS, MOST_SUFFIX_BYTES = 24, 5
MOST_ENTRIES = 2**32 - 1
HEAD_BITS, HEAD_BYTES = 64, 8
SAMPLED_BUCKETS = 64
READABLE_BY_ALL = 0o644


class HashListError(Exception):
    """The file is missing or is not what the writer wrote; the message names it."""

    code = "hash_list"


def digest_of(text: str) -> bytes:
    """The SHA-1 of the UTF-8, which is what breached passwords are published as."""
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).digest()


class HashList:
    """The file at ``path``, mapped into memory: a look-up touches a page or two of it.

    Raise ``HashListError`` when the file cannot be opened, was cut short or is of another kind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise HashListError(f"{path} cannot be read: {error}") from error
        self._read_header()
        self._check()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, digest: bytes) -> bool:
        head = int.from_bytes(digest[:HEAD_BYTES]) >> self._unused_bits
        first, last = self._bounds(head >> 8 * self._width)
        suffix = (head & self._mask).to_bytes(self._width)
        at = bisect_left(range(first, last), suffix, key=self._entry) + first
        return at < last and self._entry(at) == suffix

    @property
    def false_positive_rate(self) -> float:
        """How probable it is that one look-up of something else succeeds."""
        return len(self) / (1 << self._bits + 8 * self._width)

    def _read_header(self) -> None:
        if len(self._map) < HEADER.size:
            raise HashListError(f"{self.path} is no list of hashes: too short.")
        magic, version, bits, width, count = HEADER.unpack_from(self._map)
        if magic != MAGIC or version != VERSION:
            raise HashListError(f"{self.path} is no list of hashes of version {VERSION}.")
        self._bits, self._width, self._count = int(bits), int(width), int(count)
        self._unused_bits = HEAD_BITS - self._bits - 8 * self._width
        self._mask = (1 << 8 * self._width) - 1
        self._entries_at = HEADER.size + OFFSET.size * ((1 << self._bits) + 1)

    def _check(self) -> None:
        """Hold the size against the header, and look whether some buckets are in order."""
        is_sane = 0 < self._bits <= MOST_BUCKET_BITS and 0 < self._width <= MOST_SUFFIX_BYTES
        size = self._entries_at + self._count * self._width
        if not is_sane or len(self._map) != size:
            raise HashListError(f"{self.path} is damaged: {len(self._map)} bytes, not {size}.")
        last_bucket = (1 << self._bits) - 1
        if self._bounds(0)[0] != 0 or self._bounds(last_bucket)[1] != self._count:
            raise HashListError(f"{self.path} is damaged: its index does not span its entries.")
        for bucket in range(0, last_bucket + 1, max(1, (last_bucket + 1) // SAMPLED_BUCKETS)):
            entries = [self._entry(number) for number in range(*self._bounds(bucket))]
            if entries != sorted(entries):
                raise HashListError(f"{self.path} is damaged: bucket {bucket} is not in order.")

    def _bounds(self, bucket: int) -> tuple[int, int]:
        first, last = TWO_OFFSETS.unpack_from(self._map, HEADER.size + OFFSET.size * bucket)
        if not first <= last <= self._count:
            raise HashListError(f"{self.path} is damaged: bucket {bucket} ends before it begins.")
        return first, last

    def _entry(self, number: int) -> bytes:
        at = self._entries_at + number * self._width
        return self._map[at : at + self._width]


def write_hash_list(
    path: Path, digests: Iterable[bytes], *, bucket_bits: int, suffix_bytes: int
) -> int:
    """Write the ascending ``digests`` to ``path`` and return how many entries that made.

    Digests that differ in bits which are not kept become one entry. ``path`` is replaced in one
    step when all is written, and stays as it was when anything is raised, which is ``ValueError``
    for digests that are not ascending or too many. Memory: four bytes for each bucket.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.seek(HEADER.size + OFFSET.size * ((1 << bucket_bits) + 1))
            sizes = _write_entries(file, digests, bucket_bits, suffix_bytes)
            count = _counted(sizes)
            file.seek(0)
            file.write(HEADER.pack(MAGIC, VERSION, bucket_bits, suffix_bytes, count))
            for begin in accumulate(sizes, initial=0):
                file.write(OFFSET.pack(begin))
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(READABLE_BY_ALL)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    return count


def _write_entries(
    file: IO[bytes], digests: Iterable[bytes], bucket_bits: int, suffix_bytes: int
) -> array[int]:
    """Write the entries where ``file`` stands; return how many each bucket has."""
    sizes = array("I", [0]) * (1 << bucket_bits)
    shift, width = HEAD_BITS - bucket_bits - 8 * suffix_bytes, 8 * suffix_bytes
    mask = (1 << width) - 1
    write = file.write
    previous, before = b"", -1
    for digest in digests:
        if digest <= previous:
            raise ValueError("The hashes are not in ascending order.")
        previous = digest
        head = int.from_bytes(digest[:HEAD_BYTES]) >> shift
        if head != before:
            before = head
            sizes[head >> width] += 1
            write((head & mask).to_bytes(suffix_bytes))
    return sizes


def _counted(sizes: array[int]) -> int:
    count = sum(sizes)
    if count > MOST_ENTRIES:
        raise ValueError(f"{count} hashes are more than fit in one list, {MOST_ENTRIES}.")
    return count
