"""Fixtures of the project's own tests."""

from io import StringIO

import pytest
from django.core.management import call_command

from authentication.tests.tries import within_one_window
from truledgr.tests.log_capture import lines
from truledgr.tests.sharing import shared

__all__ = ["lines", "within_one_window"]


@pytest.fixture(scope="session")
def document(tmp_path_factory):
    """The OpenAPI document, which the command has found to be valid and made without a warning."""
    return shared("document", tmp_path_factory, write_document)


def write_document():
    out = StringIO()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out
    )
    return out.getvalue()
