from django.apps import AppConfig


class GroupsConfig(AppConfig):
    """Teams: who belongs to them, in which rank and with which role."""

    name = "groups"
    verbose_name = "Groups"
