from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SchematoolsConfig(AppConfig):
    """Draws the database schema and finds drift, in any Django project."""

    name = "schematools"
    verbose_name = "Schema toolkit"

    def ready(self) -> None:
        from schematools.hashes import record_hashes

        post_migrate.connect(record_hashes, sender=self)
