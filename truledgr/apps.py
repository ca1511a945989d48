from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class TruLedgrConfig(AppConfig):
    """The project itself: settings, URLs, and the commands that touch every app."""

    name = "truledgr"
    verbose_name = "TruLedgr"

    def ready(self) -> None:
        """From here on lines of the log say who and where, and statements are measured.

        See ``truledgr.log_lines`` and ``truledgr.metrics``.
        """
        from django.db.backends.signals import connection_created

        import truledgr.tasks  # noqa: F401 - a job of the schedule
        from truledgr import log_context
        from truledgr.log_lines import ContextFilter
        from truledgr.metrics import queries

        ContextFilter.read = staticmethod(log_context.read)
        connection_created.connect(queries.on_connected, dispatch_uid="metrics")


class TruLedgrAdminConfig(AdminConfig):
    """Django's admin, with the site of ``truledgr.admin_site`` as its default."""

    default_site = "truledgr.admin_site.TruLedgrAdminSite"

    def ready(self) -> None:
        """Find the admin of every app; then put the page of a user together from several."""
        super().ready()
        import truledgr.admin_people  # noqa: F401
