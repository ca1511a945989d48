"""What checking a new password costs, against one Argon2id hash of it, which follows anyway.

Passwords that are accepted are measured, since they go through every check. The list of Have I
Been Pwned is a synthetic one of ``--hashes`` entries, converted and searched as the real one is.
No database is used.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from measuring import Fact, Result, medians

from authentication.passwords.blocklists import BREACHED, COMMON, is_breached, is_common
from authentication.passwords.breached_hashes import read_digests
from authentication.passwords.hash_lists import HashList, digest_of, write_hash_list
from authentication.passwords.validators import (
    BreachedPasswordValidator,
    CommonPasswordValidator,
    LengthValidator,
    OwnWordsValidator,
)
from users.hashers import Argon2idHasher
from users.models import User

ROUNDS = 200
MOST_HEAP = 64 << 10
MOST_FALSE_POSITIVES = 1e-6
BITS, SUFFIX_BYTES = 16, 4
SALT = "a-salt-of-22-character"
PEOPLE = User(
    username="alice.liddell", email="alice@wonderland.example", first_name="Alice", last_name="Lid"
)
ACCEPTED = {
    "a pass phrase": "kestrel dives at noon",
    "a generated one": "xK9-vq2_Tz7wLp4Rd8Hn",
    "128 characters": "".join(chr(97 + (n * n * 7 + n // 3) % 26) for n in range(128)),
}
HARDEST = "alice" * 204


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    hasher = Argon2idHasher()
    for path in (COMMON, BREACHED):
        hashes = HashList(path)
        yield Fact(
            f"{path.name}: {len(hashes):,} passwords, {path.stat().st_size / 1024:,.0f} KiB, "
            f"false positives {hashes.false_positive_rate:.1e}",
            is_good=hashes.false_positive_rate <= MOST_FALSE_POSITIVES,
        )
    for name, password in ACCEPTED.items():
        yield from _compared(name, password, hasher)
    seconds = medians(
        {"check": lambda: _refused_by_all(HARDEST), "hash": lambda: hasher.encode(HARDEST, SALT)},
        rounds=20,
    )
    yield Result("the hardest found, 1,020 characters", seconds["check"], seconds["hash"], 1)
    with tempfile.TemporaryDirectory(prefix="truledgr-bench-") as directory:
        yield from _converted(Path(directory), options.hashes)


def _compared(name: str, password: str, hasher: Argon2idHasher) -> Iterator[Fact]:
    contestants: dict[str, Callable[[], object]] = {
        "hash": lambda: hasher.encode(password, SALT),
        "lists": lambda: (is_common(password), is_breached(password)),
        "all": lambda: _refused_by_all(password),
    }
    seconds = medians(contestants, rounds=ROUNDS)
    print(f"  {name}: one hash takes {seconds['hash'] * 1e3:.1f} ms, of which")
    for what, at_most in (("lists", 0.01), ("all", 0.05)):
        share = seconds[what] / seconds["hash"]
        label = {"lists": "shipped lists", "all": "all four validators"}[what]
        yield Fact(
            f"{label:<22} {seconds[what] * 1e6:6.0f} µs = {share:7.3%}, at most {at_most:.0%}",
            is_good=share <= at_most,
        )


def _refused_by_all(password: str) -> int:
    """How many validators refuse it; each is asked, as Django does."""
    refusals = 0
    for validator in (
        LengthValidator(),
        CommonPasswordValidator(),
        BreachedPasswordValidator(),
        OwnWordsValidator(),
    ):
        try:
            validator.validate(password, PEOPLE)
        except Exception:  # noqa: BLE001 (only counted)
            refusals += 1
    return refusals


def _converted(directory: Path, number: int) -> Iterator[Result | Fact]:
    """Convert a list of ``number`` hashes, then search it."""
    source, target = directory / "pwned.txt", directory / "breached.bin"
    chance = Random(1).randbytes
    digests = sorted(chance(20) for _ in range(number))
    source.write_bytes(b"".join(digest.hex().upper().encode() + b":3\r\n" for digest in digests))
    started = time.perf_counter()
    with source.open("rb") as file:
        plain = hashlib.sha256(b"".join(file)).digest()
    reading = time.perf_counter() - started
    started = time.perf_counter()
    write_hash_list(
        target,
        read_digests([source], minimum_count=1, advance=bool),
        bucket_bits=BITS,
        suffix_bytes=SUFFIX_BYTES,
    )
    converting = time.perf_counter() - started
    assert plain
    print(
        f"  {number:,} hashes: {source.stat().st_size / number:.1f} bytes each in, "
        f"{target.stat().st_size / number:.1f} out, {converting / number * 1e6:.2f} µs each"
    )
    yield Result("converting to reading the lines", converting, reading)
    full = HashList(target)
    wanted = [digest_of(str(n)) for n in range(1_000)]
    seconds = medians(
        {"search": lambda: [d in full for d in wanted], "hash": lambda: list(map(hash, wanted))},
        rounds=20,
    )
    print(f"  one search of {number:,}: {seconds['search'] * 1e3:.1f} µs")
    heap = _heap_of([COMMON, BREACHED, target])
    yield Fact(
        f"6,000 look-ups in all three lists: {heap / 1024:,.0f} KiB of heap, at most 64",
        is_good=heap <= MOST_HEAP,
    )


def _heap_of(names: list[Path]) -> int:
    """The most bytes that opening them and 2,000 look-ups in each take, mapped pages aside."""
    tracemalloc.start()
    for name in names:
        hashes = HashList(name)
        for number in range(2_000):
            _found = digest_of(str(number)) in hashes
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hashes", type=int, default=1_000_000, help="default: 1,000,000")
    is_good = True
    print(f"load {os.getloadavg()[0]:.1f}")
    for result in measure(parser.parse_args()):
        print(result, flush=True)
        is_good = is_good and result.is_good
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
