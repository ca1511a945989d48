"""Keeps tests for the one engine that they are about."""

from django.db import connection


def on(vendor):
    """Keep a test for this kind of database; elsewhere there is none, and nothing is skipped."""
    return lambda test: test if connection.vendor == vendor else None
