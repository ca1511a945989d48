from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuthorizationConfig(AppConfig):
    """Role-based access control: roles, their permissions and who holds them."""

    name = "authorization"
    verbose_name = "Authorization"

    def ready(self) -> None:
        from authorization.grounds import register_grounds
        from authorization.role_grounds import GROUNDS
        from authorization.system_roles import sync_after_migrate

        for grounds in GROUNDS:
            register_grounds(grounds)
        post_migrate.connect(sync_after_migrate, sender=self, dispatch_uid="sync_system_roles")
