from django.apps import AppConfig


class SchematoolsConfig(AppConfig):
    """Draws the database schema and finds drift, in any Django project."""

    name = "schematools"
    verbose_name = "Schema toolkit"
