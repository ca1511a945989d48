from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authentication.passwords.breached_hashes import (
    BYTES_OF_A_LINE,
    BreachedHashesError,
    parts_of,
    read_digests,
)
from authentication.passwords.hash_lists import MOST_BUCKET_BITS, HashList, write_hash_list
from core.management.base import Command as BaseCommand

SUFFIX_BYTES = 4
# Some 64 entries a bucket: one page of the file holds them.
ENTRIES_PER_BUCKET_BITS = 6
MOST_DIGITS = 9


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text)):
        raise ArgumentTypeError(f"not a whole number of at least 1: {text}")
    return int(text)


class Command(BaseCommand):
    help = """Make the file of BREACHED_PASSWORDS_FILE from Have I Been Pwned's list.

SOURCE is what the official downloader wrote: a file of lines HASH:COUNT ordered by hash (SHA-1), or
the directory of its range files. Memory stays the same however long the list is. TARGET is replaced
in one step when all is written; servers see the new one after a restart."""
    examples = (
        (
            "python manage.py build_breached_passwords pwnedpasswords.txt breached.bin",
            "from one file",
        ),
        (
            "python manage.py build_breached_passwords ranges/ breached.bin --minimum-count 5",
            "from a directory, without passwords that were seen fewer than five times",
        ),
    )
    exit_codes = {0: "written", 2: "could not run: the source is missing or not such a list"}
    page = "docs/developer/passwords.md"
    when_stopped = "The target was not changed. Run the same command again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="the downloaded file or directory")
        parser.add_argument("target", type=Path, help="the file to write")
        parser.add_argument(
            "--minimum-count",
            type=positive,
            default=1,
            metavar="N",
            help="leave out passwords seen fewer times (default: %(default)s, which keeps all)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["source"], options["target"]
        try:
            parts = parts_of(source)
            size = sum(part.stat().st_size for part in parts)
            bits = (size // BYTES_OF_A_LINE).bit_length() - ENTRIES_PER_BUCKET_BITS
            with self.progress(
                "Reading", unit="bytes", total=size, unit_scale=True, delay=1
            ) as progress:
                digests = read_digests(
                    parts, minimum_count=options["minimum_count"], advance=progress.update
                )
                count = write_hash_list(
                    target,
                    digests,
                    bucket_bits=max(1, min(bits, MOST_BUCKET_BITS)),
                    suffix_bytes=SUFFIX_BYTES,
                )
        except OSError as error:
            raise CommandError(f"{error.filename or source}: {error.strerror}") from None
        except (BreachedHashesError, ValueError) as error:
            raise CommandError(f"{error} {target} was not changed.") from None
        rate = HashList(target).false_positive_rate
        if self.is_json:
            self.write_json(
                {
                    "file": str(target),
                    "hashes": count,
                    "bytes": target.stat().st_size,
                    "false_positive_rate": rate,
                }
            )
            return
        self.stdout.write(
            f"{target}: {count:,} hashes, {target.stat().st_size:,} bytes, one wrong refusal in "
            f"{1 / rate:,.0f} look-ups."
            if count
            else f"{target}: no hashes."
        )
