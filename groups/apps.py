from django.apps import AppConfig


class GroupsConfig(AppConfig):
    """Teams: who belongs to them, in which rank and with which role."""

    name = "groups"
    verbose_name = "Groups"

    def ready(self) -> None:
        from authorization.access import register_holdings
        from authorization.grounds import register_grounds
        from groups.access import HOLDINGS
        from groups.grounds import GROUNDS

        register_holdings(HOLDINGS)

        from authentication.invited import register_invitations
        from groups.sign_up import address_brought

        register_invitations(address_brought)
        for grounds in GROUNDS:
            register_grounds(grounds)
