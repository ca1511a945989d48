"""Runs foreign projects: each in an environment of its own, on one engine, in a new directory."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from foreign_catalogue import PROJECTS, Project

REPOSITORY = Path(__file__).resolve().parent.parent
FOREIGN = REPOSITORY / "bench" / "foreign"
DRIVER = "psycopg[binary]==3.3.9"
PATIENCE = 600  # seconds for one command


class CannotRunError(Exception):
    """What is missing, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One project on one engine; ``problems`` are what is wrong with it."""

    project: Project
    python: Path
    directory: Path
    database: Mapping[str, Any]
    with_migrations: bool
    problems: list[str] = field(default_factory=list)

    @classmethod
    def made(
        cls, name: str, engine: str, *, arguments: argparse.Namespace, cache: Path, **own: Any
    ) -> Self:
        """Make the environment where there is none, and a new directory with schematools.

        Raise ``CannotRunError``.
        """
        driver = bool(arguments.postgres)
        python = prepare(
            name, PROJECTS[name], cache=cache, interpreter=arguments.python, driver=driver
        )
        directory = cache / "runs" / f"{name}-{engine}"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(  # alone: the repository's other packages have names of their own
            REPOSITORY / "schematools", directory / "path" / "schematools"
        )
        database = database_settings(engine, directory, arguments.postgres)
        return cls(
            project=PROJECTS[name], python=python, directory=directory, database=database, **own
        )

    def inside(
        self, *arguments: str, language: str = "en", patience: int = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in the foreign environment."""
        path = [self.directory / "path", FOREIGN]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("DJANGO")
        } | {
            "DJANGO_SETTINGS_MODULE": "settings",
            "FOREIGN_SETTINGS": self.project.settings,
            "FOREIGN_DIRECTORY": str(self.directory),
            "FOREIGN_DATABASE": json.dumps(self.database),
            "FOREIGN_LANGUAGE": language,
            "HOME": str(self.directory),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "random",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONWARNINGS": "ignore",
            "SCHEMATOOLS_CACHE_DIR": str(self.directory / "cache"),
        }
        if self.with_migrations:
            environment["FOREIGN_MIGRATIONS"] = "1"
        try:
            return subprocess.run(  # noqa: S603 - the interpreter that was just made
                [str(self.python), *arguments],
                cwd=self.directory,
                env=environment | dict(self.project.environment),
                capture_output=True,
                encoding="utf-8",
                check=False,
                timeout=patience,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, -1, "", f"over {patience} seconds")

    def json(self, *arguments: str) -> Any:
        done = self.inside(str(FOREIGN / "inside.py"), *arguments)
        if done.returncode:
            raise CannotRunError(f"{arguments[0]}: {tail(done)}")
        return json.loads(done.stdout.splitlines()[-1])


def tail(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return " | ".join(lines[-4:])[-600:]


# Environments


def prepare(name: str, project: Project, *, cache: Path, interpreter: str, driver: bool) -> Path:
    """Return the Python of the project's environment, making it where it is not there yet."""
    requirements = [project.django, "pydot==4.0.1", *project.requirements, *[DRIVER][: int(driver)]]
    digest = hashlib.sha256(json.dumps([interpreter, requirements]).encode()).hexdigest()[:12]
    environment = cache / f"{name}-{digest}"
    python = environment / "bin" / "python"
    done = environment / "complete"
    if not done.exists():
        uv = uv_command()
        install(uv, "venv", "--quiet", "--clear", "--python", interpreter, str(environment))
        install(uv, "pip", "install", "--quiet", "--python", str(python), *requirements)
        done.touch()
    return python


def uv_command() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise CannotRunError("uv is not installed: run 'pip install uv'.")
    return found


def install(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if done.returncode:
        raise CannotRunError(
            f"The environment cannot be made; it takes a network and a package index. {tail(done)}"
        )


def version_of(interpreter: str) -> tuple[int, int]:
    program = "import sys; print(*sys.version_info[:2])"
    try:
        found = subprocess.check_output([interpreter, "-c", program], text=True)  # noqa: S603
    except OSError as error:
        raise CannotRunError(f"--python {interpreter}: {error.strerror}.") from error
    major, minor = map(int, found.split())
    return major, minor


def database_settings(engine: str, directory: Path, url: str) -> dict[str, Any]:
    if engine == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(directory / "database.sqlite3"),
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": f"foreign_{secrets.token_hex(6)}",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


# What the scripts take


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("projects", nargs="*", metavar="PROJECT", help=", ".join(PROJECTS))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep environments and results")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of environments")
    parser.add_argument("--postgres", default="", metavar="URL", help="try this server as well")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--all", action="store_true", help="show every problem and difference")


def for_each(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    look: Callable[[Path, str, str], bool],
) -> int:
    """Look at each project on each engine; return 1 where a look says no, 2 where none can be."""
    for name in arguments.projects:
        if name not in PROJECTS:
            parser.error(f"there is no project {name!r}; there are {', '.join(PROJECTS)}")
    try:
        version = version_of(arguments.python)
    except CannotRunError as error:
        parser.exit(2, f"{error}\n")
    with tempfile.TemporaryDirectory() as temporary:
        cache = (arguments.cache or Path(temporary)).absolute()
        good = [look(cache, name, engine) for name, engine in _chosen(arguments, version)]
    return int(not all(good))


def _chosen(arguments: argparse.Namespace, version: tuple[int, int]) -> Iterator[tuple[str, str]]:
    for name in arguments.projects or PROJECTS:
        project = PROJECTS[name]
        if version < project.python:
            wanted = ".".join(map(str, project.python))
            print(f"{name:16} left out: it takes Python {wanted}; name one with --python")
            continue
        for engine in project.engines:
            if arguments.engine not in {None, engine}:
                continue
            if engine == "sqlite" or arguments.postgres:
                yield name, engine
