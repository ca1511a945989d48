"""Asks git which files changed; nothing here changes any."""

import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from schematools.errors import CannotRunError

CANNOT_TELL = "so what is new since {ref!r} cannot be told: leave --since out."


def changed_since(ref: str, directory: Path) -> set[Path]:
    """Return the files of the directory's repository that are new or other since a revision.

    It is compared from where the work branched off, and unsaved changes count. Raise
    ``CannotRunError`` without git, outside a repository and for an unknown revision.
    """
    program = shutil.which("git")
    if program is None:
        raise CannotRunError(f"git is not installed, {CANNOT_TELL.format(ref=ref)}")
    root = _run(program, directory, "rev-parse", "--show-toplevel")
    if root is None:
        raise CannotRunError(
            f"{directory} is not in a git repository, {CANNOT_TELL.format(ref=ref)}"
        )
    top = Path(root.removesuffix("\n"))
    start = _start(program, top, ref)
    changed = _run(
        program, top, "diff", "--name-only", "--no-renames", "-z", "--diff-filter=d", start
    )
    added = _run(program, top, "ls-files", "--others", "--exclude-standard", "-z")
    return {top / name for name in f"{changed or ''}{added or ''}".split("\0") if name}


def unsaved(paths: Collection[Path]) -> list[Path]:
    """Return those of the files that git has not got as they are; none where git is not used."""
    program = shutil.which("git")
    if program is None:
        return []
    return sorted(
        path
        for path in paths
        if _run(program, path.parent, "status", "--porcelain", "-z", "--", path.name)
    )


def _start(program: str, directory: Path, ref: str) -> str:
    commit = _run(
        program, directory, "rev-parse", "--verify", "--quiet", "--end-of-options",
        f"{ref}^{{commit}}",
    )  # fmt: skip
    if not commit:
        raise CannotRunError(
            f"git knows no revision {ref!r}: fetch it, or name another with --since."
        )
    # A shallow copy does not always have the revision where the work branched off.
    return (_run(program, directory, "merge-base", commit.strip(), "HEAD") or commit).strip()


def _run(program: str, directory: Path, *arguments: str) -> str | None:
    """Return what git answers, or nothing where it refuses."""
    done = subprocess.run(  # noqa: S603
        [program, *arguments], cwd=directory, capture_output=True, encoding="utf-8", check=False
    )
    return None if done.returncode else done.stdout
