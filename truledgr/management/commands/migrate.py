from django.core.management.commands import migrate

from core.management.base import Command as BaseCommand
from truledgr.atomic_migrations import AtomicMigrationExecutor

# The command has no other way to be given an executor.
migrate.MigrationExecutor = AtomicMigrationExecutor  # type: ignore[attr-defined]


class Command(BaseCommand, migrate.Command):
    """Django's own, safe to kill: what a migration does and that it was done are one."""

    help = """Bring the database to what the models need: apply the migrations that are missing.

A migration is applied as a whole or not at all, so that it may be stopped at any time."""
    examples = (
        ("python manage.py migrate --plan", "what would be applied, in which order"),
        ("python manage.py migrate", "apply it"),
        ("python manage.py migrate --check", "is anything missing? nothing is applied"),
    )
    exit_codes = {0: "everything is applied", 1: "with --check: something is not"}
    page = "docs/developer/how-to-change-the-schema.md"
    formats = ()
    why_no_json = "it is Django's own command; migration_status answers programs"
    when_stopped = (
        "Migrations that were applied stay so; the one in hand was undone. Run "
        "'python manage.py migrate' to go on."
    )
