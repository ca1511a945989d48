from django.core.management.commands import migrate

from truledgr.atomic_migrations import AtomicMigrationExecutor

# The command has no other way to be given an executor.
migrate.MigrationExecutor = AtomicMigrationExecutor  # type: ignore[attr-defined]


class Command(migrate.Command):
    """Django's own, safe to kill: what a migration does and that it was done are one."""
