from django.apps import AppConfig


class UsersConfig(AppConfig):
    """People, the devices they use, their sessions and what they did in them."""

    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from core.encryption import EncryptedColumn, register
        from users.models import UserSession

        register(EncryptedColumn(UserSession, "session_data"))
