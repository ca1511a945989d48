"""Django's system check of the toolkit: ``manage.py check`` finds wrong settings first.

Pending migrations and drift are no system checks: ``migrate`` runs those first, and would warn of
what it is about to mend.
"""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from schematools.config import load_config


def check_settings(**_options: Any) -> list[CheckMessage]:
    """Return ``schematools.E001`` when ``SCHEMATOOLS`` cannot be understood."""
    try:
        load_config()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Correct it in the settings.", id="schematools.E001")]
    return []
