"""Fixtures of the project's own tests."""

from authentication.tests.tries import within_one_window
from truledgr.tests.log_capture import lines

__all__ = ["lines", "within_one_window"]
