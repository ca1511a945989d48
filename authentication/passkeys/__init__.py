"""Passkeys: keeping them, and proving one."""
