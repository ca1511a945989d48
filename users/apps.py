from django.apps import AppConfig


class UsersConfig(AppConfig):
    """People, the devices they use, their sessions and what they did in them."""

    name = "users"
    verbose_name = "Users"
