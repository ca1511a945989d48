from django.apps import AppConfig


class ShopConfig(AppConfig):
    """What is sold, and to whom.

    A second paragraph that the index does not show.
    """

    name = "schematools.tests.project.shop"
    verbose_name = "Corner shop"
