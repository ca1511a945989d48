"""Staff acting as a user, for a while and under both names: docs/developer/impersonation.md."""
