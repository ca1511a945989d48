"""A permission without a table, for the admin's page, and what was applied, for ``check_drift``."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    Manager = models.Manager[Any]
else:
    Manager = models.Manager


class NoRows(Manager):
    """Finds nothing and asks nobody: ``dumpdata`` reads tables of unmanaged models as well."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().none()


class DatabaseSchema(models.Model):
    """What there is a permission to see, and a line in the admin's index; it has no rows."""

    id = models.BigAutoField(primary_key=True)  # whatever the project's default is

    objects = NoRows()

    class Meta:
        managed = False
        default_permissions = ("view",)
        base_manager_name = "objects"
        verbose_name = "database schema"
        verbose_name_plural = "database schema"

    def __str__(self) -> str:
        return "Database schema"


class MigrationStatus(models.Model):
    """The same for the admin's page of migrations: a permission, a line in the index, no rows."""

    id = models.BigAutoField(primary_key=True)

    objects = NoRows()

    class Meta:
        managed = False
        default_permissions = ("view",)
        base_manager_name = "objects"
        verbose_name = "migrations"
        verbose_name_plural = "migrations"

    def __str__(self) -> str:
        return "Migrations"


class MigrationHash(models.Model):
    """What a migration's file was when it was applied to this database.

    Only ``rows`` finds them: they are no data of the project, and ``dumpdata`` leaves them out.
    """

    id = models.BigAutoField(primary_key=True)
    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    source_hash = models.CharField(max_length=64)
    content_hash = models.CharField(max_length=64)

    objects = NoRows()
    rows = models.Manager["MigrationHash"]() if TYPE_CHECKING else models.Manager()

    class Meta:
        db_table = "schematools_migration_hashes"
        default_permissions = ()
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(
                fields=["app", "name"], name="schematools_migrationhash_app_name_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"
