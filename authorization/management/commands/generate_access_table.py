from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authorization.access_table import permission_labels, table_of, with_table
from core.management.base import HelpFormatter

PAGE = Path("docs/developer/access.md")
COULD_NOT_RUN = 2


class Command(BaseCommand):
    help = """Write into docs/developer/access.md which system role holds which permission.

It reads the models and authorization/system_roles.py, and no database.

Exit status: 0 when the page is up to date, written now or before; with --check, 1 when it is not;
2 when the page cannot be read or has no place for the table.

  manage.py generate_access_table
  manage.py generate_access_table --check
"""
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, only compare")
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
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from None
        if present == wanted:
            self.stdout.write(f"{page.name} is up to date.")
            return
        if check:
            raise CommandError(
                f"{page.name} is not up to date. Run 'manage.py generate_access_table'."
            )
        page.write_text(wanted, encoding="utf-8")
        self.stdout.write(f"{page.name} is written.")
