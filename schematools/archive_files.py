"""Moves and rewrites files, all of them or none.

The order matters: should the machine stop half way, what is there is a project that works. First
the replaced files are copied, then others name the squashed migration, then the replaced files go,
and last of all the squashed one no longer says what it replaces.
"""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from schematools.archive import Archive, Rewriting
from schematools.errors import CannotRunError

Undo = Callable[[], object]


def apply(archive: Archive, *, verify: Callable[[], object]) -> None:
    """Make the changes, and unless ``verify`` raises keep them.

    Whatever stops it, Ctrl-C included, everything is put back first.
    """
    undo: list[Undo] = []
    with _ended_like_ctrl_c():
        try:
            for path, destination in archive.moved.items():
                _make_directory(destination.parent, undo)
                undo.append(partial(destination.unlink, missing_ok=True))
                _copy(path, destination)
            for rewriting in archive.others:
                _rewrite(rewriting, undo)
            for path, destination in archive.moved.items():
                undo.append(partial(_copy, destination, path))
                path.unlink()
            for rewriting in archive.squashed:
                _rewrite(rewriting, undo)
            verify()
        except BaseException as error:
            _undo_all(undo, error)
            raise


def _undo_all(undo: list[Undo], error: BaseException) -> None:
    failures = []
    with _undisturbed():
        for step in reversed(undo):
            try:
                step()
            except OSError as failure:
                failures.append(str(failure))
    if failures:
        raise CannotRunError(
            f"It failed, and not everything could be put back: {'; '.join(failures)}. "
            "Look at 'git status'."
        ) from error


def _rewrite(rewriting: Rewriting, undo: list[Undo]) -> None:
    path = rewriting.path
    before = rewriting.before.encode(rewriting.encoding)
    if path.read_bytes() != before:
        raise CannotRunError(f"{path} was changed meanwhile: run the command again.")
    undo.append(partial(_write, path, before))
    _write(path, rewriting.after.encode(rewriting.encoding))


def _write(path: Path, content: bytes) -> None:
    with _temporary(path) as temporary:
        temporary.write_bytes(content)
        shutil.copymode(path, temporary)


def _copy(path: Path, destination: Path) -> None:
    with _temporary(destination) as temporary:
        shutil.copy2(path, temporary)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield a file to write that takes the place of ``path`` in one step."""
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)


def _make_directory(directory: Path, undo: list[Undo]) -> None:
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        undo.append(partial(_remove_if_empty, each))


def _remove_if_empty(directory: Path) -> None:
    with suppress(OSError):
        directory.rmdir()


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Meanwhile, being told to end is like Ctrl-C: it is noticed, and tidied up after."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling({"SIGTERM": interrupt, "SIGHUP": interrupt}):
        yield


@contextmanager
def _undisturbed() -> Iterator[None]:
    with _handling(dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), signal.SIG_IGN)):
        yield


@contextmanager
def _handling(handlers: dict[str, signal.Handlers | Callable[..., None]]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with ExitStack() as stack:
        for name, handler in handlers.items():
            number = getattr(signal, name, None)
            if number is not None:
                stack.callback(signal.signal, number, signal.signal(number, handler))
        yield
