"""The only places that write: one module a noun."""
