"""All files or none: whatever stops it, what was there is there again."""

import os
import signal

import pytest

from schematools.archive import Archive, Rewriting
from schematools.archive_files import apply
from schematools.errors import CannotRunError


@pytest.fixture
def archive(tmp_path):
    """A replaced migration to move, one to rewrite and a squashed one, in Latin-1."""
    texts = {"0001_a.py": "old", "0002_b.py": "names 0001_a, é", "0001_all.py": "replaces 0001_a"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    (tmp_path / "0002_b.py").chmod(0o640)

    def rewriting(name, after):
        path = tmp_path / name
        return Rewriting(name.removesuffix(".py"), path, texts[name], after, "latin-1")

    return Archive(
        moved={tmp_path / "0001_a.py": tmp_path / "deep/archive/0001_a.py"},
        others=(rewriting("0002_b.py", "names 0001_all, é"),),
        squashed=(rewriting("0001_all.py", "replaces nothing"),),
    )


def contents(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in directory.rglob("*")
    }


def nothing():
    pass


def fail():
    raise CannotRunError("not the same")


def interrupt():
    raise KeyboardInterrupt


def end():
    os.kill(os.getpid(), signal.SIGTERM)


def test_all_files_change_and_keep_their_encoding_and_mode(archive, tmp_path):
    apply(archive, verify=nothing)

    assert contents(tmp_path) == {
        "deep": None,
        "deep/archive": None,
        "deep/archive/0001_a.py": b"old",
        "0002_b.py": "names 0001_all, é".encode("latin-1"),
        "0001_all.py": b"replaces nothing",
    }
    assert (tmp_path / "0002_b.py").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("verify", "error"),
    [(fail, CannotRunError), (interrupt, KeyboardInterrupt), (end, KeyboardInterrupt)],
)
def test_whatever_stops_it_everything_is_put_back(archive, tmp_path, verify, error):
    before, handler = contents(tmp_path), signal.getsignal(signal.SIGTERM)

    with pytest.raises(error):
        apply(archive, verify=verify)

    assert contents(tmp_path) == before
    assert (tmp_path / "0002_b.py").stat().st_mode & 0o777 == 0o640
    assert signal.getsignal(signal.SIGTERM) == handler


def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(archive, tmp_path):
    (tmp_path / "0001_all.py").write_text("mine")
    before = contents(tmp_path)

    with pytest.raises(CannotRunError, match=r"0001_all\.py was changed meanwhile"):
        apply(archive, verify=nothing)

    assert contents(tmp_path) == before


def test_what_cannot_be_put_back_is_named(archive, tmp_path):
    def lose():
        (tmp_path / "deep/archive/0001_a.py").unlink()
        fail()

    with pytest.raises(CannotRunError, match=r"not everything could be put back: .*0001_a"):
        apply(archive, verify=lose)

    assert (tmp_path / "0001_all.py").read_text() == "replaces 0001_a"
