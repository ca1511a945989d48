from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class SchematoolsConfig(AppConfig):
    """Draws the database schema and finds drift, in any Django project."""

    name = "schematools"
    verbose_name = "Schema toolkit"

    def ready(self) -> None:
        from schematools.checks import check_settings
        from schematools.hashes import record_hashes

        register(check_settings, "schematools")
        post_migrate.connect(record_hashes, sender=self)
