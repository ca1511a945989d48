from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from authorization.access_table import permission_labels, table_of, with_table
from core.management.base import Command as BaseCommand
from core.management.base import FindingsError

PAGE = Path("docs/developer/access.md")


class Command(BaseCommand):
    help = """Write into docs/developer/access.md which system role holds which permission.

It reads the models and authorization/system_roles.py, and no database."""
    examples = (
        ("python manage.py generate_access_table", "bring the page up to date"),
        ("python manage.py generate_access_table --check", "is it? nothing is written"),
    )
    exit_codes = {
        0: "the page is up to date, written now or before",
        1: "with --check: it is not",
        2: "the page cannot be read or has no place for the table",
    }
    page = "docs/developer/access.md"
    when_stopped = "The page was not changed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare, and change nothing")
        parser.add_argument(
            "--page",
            type=Path,
            default=Path(settings.BASE_DIR) / PAGE,
            help=f"another page than {PAGE}",
        )

    def handle(self, *args: Any, page: Path, check: bool, **options: Any) -> None:
        try:
            present = page.read_text(encoding="utf-8")
            wanted = with_table(present, table_of(permission_labels()))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        is_fresh = present == wanted
        if not is_fresh and not check:
            page.write_text(wanted, encoding="utf-8")
        if self.is_json:
            self.write_json({"page": str(page), "was_fresh": is_fresh})
        elif is_fresh:
            self.stdout.write(f"{page.name} is up to date.")
        elif not check:
            self.stdout.write(f"{page.name} is written.")
        if check and not is_fresh:
            raise FindingsError(
                f"{page.name} is not up to date. Run 'python manage.py generate_access_table'."
            )
