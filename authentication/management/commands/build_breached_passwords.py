from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from authentication.passwords.breached_hashes import (
    BYTES_OF_A_LINE,
    BreachedHashesError,
    parts_of,
    read_digests,
)
from authentication.passwords.hash_lists import MOST_BUCKET_BITS, HashList, write_hash_list
from core.management.base import HelpFormatter

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
in one step when all is written; servers see the new one after a restart.

  manage.py build_breached_passwords pwnedpasswords.txt breached.bin
  manage.py build_breached_passwords ranges/ breached.bin --minimum-count 5
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="the downloaded file or directory")
        parser.add_argument("target", type=Path, help="the file to write")
        parser.add_argument(
            "--minimum-count",
            type=positive,
            default=1,
            metavar="N",
            help="leave out passwords seen fewer times; by default all are kept",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["source"], options["target"]
        try:
            parts = parts_of(source)
            size = sum(part.stat().st_size for part in parts)
            bits = (size // BYTES_OF_A_LINE).bit_length() - ENTRIES_PER_BUCKET_BITS
            with tqdm(
                total=size, unit="B", unit_scale=True, file=self.stderr, disable=None, delay=1
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
        self.stdout.write(
            f"{target}: {count:,} hashes, {target.stat().st_size:,} bytes, one wrong refusal in "
            f"{1 / rate:,.0f} look-ups."
            if count
            else f"{target}: no hashes."
        )
