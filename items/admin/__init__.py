"""Items in the admin: one module a part of it."""

from items.admin.items import ItemAdmin

__all__ = ["ItemAdmin"]
