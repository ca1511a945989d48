class CannotRunError(Exception):
    """Something outside the code stops a command; the message tells people what to do about it."""


class NothingToDocumentError(CannotRunError):
    """The project has no tables of its own."""
