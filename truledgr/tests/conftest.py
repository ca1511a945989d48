"""Fixtures of the project's own tests."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from authentication.tests.tries import within_one_window
from truledgr.tests.log_capture import lines

__all__ = ["lines", "within_one_window"]


@pytest.fixture(scope="session")
def document():
    """The OpenAPI document, which the command has found to be valid and made without a warning."""
    out = StringIO()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out
    )
    return json.loads(out.getvalue())
