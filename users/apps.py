from django.apps import AppConfig


class UsersConfig(AppConfig):
    """People, the devices they use, their sessions and what they did in them."""

    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from django.core import checks
        from django.db.models.signals import post_migrate

        from core.encryption import EncryptedColumn, register
        from users.models import UserSession
        from users.partitions import make_after_migrate
        from users.places import check_place_database
        from users.risk.checks import check_risk_weights

        checks.register(check_place_database)
        checks.register(check_risk_weights)
        register(EncryptedColumn(UserSession, "session_data"))
        post_migrate.connect(make_after_migrate, sender=self, dispatch_uid="make_partitions")
