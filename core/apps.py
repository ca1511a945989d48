from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The audit trail, and what every app shares: keys, soft delete, API conventions."""

    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Find what each app puts on the schedule, keeps how long, and holds about people."""
        from django.utils.module_loading import autodiscover_modules

        autodiscover_modules("tasks", "retention", "personal_data")
