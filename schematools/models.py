"""A model without a table, for the admin's page of the database schema."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    Manager = models.Manager["DatabaseSchema"]
else:
    Manager = models.Manager


class NoRows(Manager):
    """Finds nothing and asks nobody: ``dumpdata`` reads tables of unmanaged models as well."""

    def get_queryset(self) -> models.QuerySet["DatabaseSchema"]:
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
