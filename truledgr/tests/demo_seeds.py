"""Runs of `manage.py seed_demo`, which is for development."""

from io import StringIO

from django.core.management import call_command

SMALL = {"users": 12, "items": 30}


def in_development(settings):
    settings.DEBUG = True


def seed(**options):
    out = StringIO()
    call_command("seed_demo", stdout=out, **options)
    return out.getvalue()
