from django.apps import AppConfig


class ItemsConfig(AppConfig):
    """The things that people and groups own."""

    name = "items"
    verbose_name = "Items"
