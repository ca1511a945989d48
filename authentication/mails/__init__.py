"""Mails about accounts: every one is rendered here, and leaves through the task queue."""

from authentication.mails.notices import Notice, notify

__all__ = ["Notice", "notify"]
