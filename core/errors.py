"""What a service raises. The API maps each class to a status, the admin to a message."""

from __future__ import annotations


class DomainError(Exception):
    """A rule refused the operation.

    ``code`` is stable and for programs; the message is for people; ``field`` names the input
    that is to blame, when one is.
    """

    code = "invalid"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NoSuchError(DomainError):
    """What ``field`` names is not there, or not for the actor to see."""

    code = "does_not_exist"


class ConflictError(DomainError):
    """The request is sound, but the present state of the data does not allow it."""

    code = "conflict"


class StaleVersionError(DomainError):
    """The row changed since the caller read it (RFC 9110, section 13.1.1)."""

    code = "stale_version"


class NotAllowedError(DomainError):
    """The actor may see the object but may not do this to it."""

    code = "permission_denied"


class TooOftenError(DomainError):
    """The actor, or all together, did it too often lately; ``wait`` is in seconds."""

    code = "throttled"

    def __init__(self, message: str, *, wait: float = 0.0, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.wait = wait
