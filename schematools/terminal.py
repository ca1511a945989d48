"""Exit codes of the toolkit's commands, and words for failures."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from schematools.errors import CannotRunError

FINDINGS = 1
COULD_NOT_RUN = 2


class FindingsError(CommandError):
    """It ran, and there are findings, which the message counts: exit code 1."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=FINDINGS)


@contextmanager
def without_collector(command: BaseCommand) -> Iterator[None]:
    """Keep Python's cycle collector out of work that makes many objects and no cycles.

    A process that ends with the command does not walk them once more before it does.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if getattr(command, "_called_from_command_line", False):
            gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def failures_in_words() -> Iterator[None]:
    """Turn what people can mend into a ``CommandError`` with one sentence and exit code 2."""
    try:
        yield
    except (CannotRunError, ImproperlyConfigured) as error:
        raise CommandError(str(error), returncode=COULD_NOT_RUN) from error
    except Error as error:
        reason, *_ = str(error).splitlines() or [type(error).__name__]
        raise CommandError(
            f"The database cannot be read: {reason}. Start it, or correct DATABASES.",
            returncode=COULD_NOT_RUN,
        ) from error
    except BrokenPipeError:
        raise  # whoever reads has seen enough
    except OSError as error:
        raise CommandError(
            f"{error.filename or 'File'}: {error.strerror or error}.", returncode=COULD_NOT_RUN
        ) from error


def short_path(path: Path, base_dir: Path) -> str:
    """Return the path as people know it: from the project's directory where it is inside."""
    return str(path.relative_to(base_dir) if path.is_relative_to(base_dir) else path)
