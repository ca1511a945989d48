from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The audit trail, and what every app shares: keys, soft delete, API conventions."""

    name = "core"
    verbose_name = "Core"
