from django.apps import AppConfig


class GroupsConfig(AppConfig):
    """Teams: who belongs to them, in which rank and with which role."""

    name = "groups"
    verbose_name = "Groups"

    def ready(self) -> None:
        from authorization.access import register_holdings
        from groups.access import HOLDINGS

        register_holdings(HOLDINGS)
