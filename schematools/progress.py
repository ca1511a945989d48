"""Shows how far a long command is: a line that is written over, for people at a terminal."""

from collections.abc import Callable
from shutil import get_terminal_size
from typing import Protocol

Progress = Callable[[int, int, str], object]

BAR = 24


class Stream(Protocol):
    """Where lines for people go, such as a command's ``stderr``."""

    def write(self, text: str, *, ending: str) -> object: ...
    def flush(self) -> object: ...


def in_silence(done: int, total: int, title: str) -> None:
    """Report no progress."""


class ProgressLine:
    """Writes "[####    ] 12/40 title" over itself, where somebody watches the stream."""

    def __init__(self, stream: Stream, *, is_shown: bool) -> None:
        self.stream = stream
        self.is_shown = is_shown

    def __call__(self, done: int, total: int, title: str) -> None:
        if self.is_shown:
            filled = BAR * done // max(total, 1)
            bar = "#" * filled + " " * (BAR - filled)
            self._write(f"[{bar}] {done}/{total} {title}")

    def clear(self) -> None:
        if self.is_shown:
            self._write("")

    def _write(self, text: str) -> None:
        width = get_terminal_size().columns - 1
        self.stream.write(f"\r{text[:width]}\x1b[K", ending="")
        self.stream.flush()
