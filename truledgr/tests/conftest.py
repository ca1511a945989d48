"""Fixtures of the project's own tests."""

from truledgr.tests.log_capture import lines

__all__ = ["lines"]
