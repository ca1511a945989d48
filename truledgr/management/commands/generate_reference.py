from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from core.management.base import Command as BaseCommand
from core.management.base import FindingsError
from truledgr.reference.pages import stale_pages

DIRECTORY = Path("docs/reference")


class Command(BaseCommand):
    help = """Write docs/reference/ from the code: settings, commands, endpoints, codes and more.

It reads settings, models, parsers and the OpenAPI document, and no database."""
    examples = (
        ("python manage.py generate_reference", "write what is out of date"),
        ("python manage.py generate_reference --check", "name what is out of date, as CI does"),
    )
    exit_codes = {1: "with --check: a page is out of date"}
    page = "CONTRIBUTING.md"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, only compare")
        parser.add_argument(
            "--output",
            type=Path,
            default=Path(settings.BASE_DIR) / DIRECTORY,
            metavar="DIRECTORY",
            help=f"another directory than {DIRECTORY}",
        )

    def handle(self, *args: Any, output: Path, check: bool, **options: Any) -> None:
        stale = stale_pages(output)
        if not check:
            output.mkdir(parents=True, exist_ok=True)
            for path, text in stale.items():
                path.write_text(text, encoding="utf-8")
        self._tell([path.name for path in stale], check=check)
        if stale and check:
            raise FindingsError("Run 'manage.py generate_reference'.")

    def _tell(self, names: list[str], *, check: bool) -> None:
        if self.is_json:
            self.write_json({"stale" if check else "written": names})
        elif not names:
            self.stdout.write("The reference is up to date.")
        for name in [] if self.is_json else names:
            self.stdout.write(f"{name} is {'out of date' if check else 'written'}.")
