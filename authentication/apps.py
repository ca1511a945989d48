from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    """Second factors, password resets and personal access tokens."""

    name = "authentication"
    verbose_name = "Authentication"
