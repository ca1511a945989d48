from django.apps import AppConfig


class ItemsConfig(AppConfig):
    """The things that people and groups own."""

    name = "items"
    verbose_name = "Items"

    def ready(self) -> None:
        from authorization.grounds import register_grounds
        from items.grounds import GROUNDS

        register_grounds(GROUNDS)
