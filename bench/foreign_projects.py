"""Documents other people's projects, to see that schematools works where nobody thought of it.

Each project gets an environment of its own, with what the package index has in the pinned version,
and settings that add schematools (``bench/foreign``). All formats are written twice, the second
time in another language, and nothing may change. Then the models' tables are made in a new database
and read back: what the models say and what the database says must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
FOREIGN = REPOSITORY / "bench" / "foreign"
CHECKER = "mermaid-validate.mjs"
DJANGO = "django>=5.2,<5.3"
DRIVER = "psycopg[binary]==3.3.9"
PATIENCE = 600  # seconds for one command
SHOWN = 10  # problems of one project, unless all are asked for

# Each is written to a directory, checked, and must not change.
FORMATS = (
    ("--format", "json"),
    ("--format", "json", "--compact"),
    ("--format", "dbml"),
    ("--format", "html"),
    ("--format", "mermaid"),
    ("--format", "dot"),
)
# What no page may say: it would differ from one machine or process to the next.
LEAKS = re.compile(r" at 0x[0-9a-f]{4,}|site-packages|__proxy__|<(?:function|class|bound method) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and what it takes to run it; ``explained`` differences are no defects.

    A difference is explained by a pattern of its line, ``table: missing fact``.
    """

    requirements: Sequence[str]
    settings: str
    python: tuple[int, int] = (3, 11)
    django: str = DJANGO
    engines: Sequence[str] = ("sqlite", "postgresql")
    extensions: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    language: str = "de"  # of the second time
    explained: Mapping[str, str] = field(default_factory=dict)


ZOO = (
    *("django-polymorphic==4.11.7", "django-mptt==0.16.0", "django-guardian==3.5.2"),
    *("django-taggit==6.1.0", "django-simple-history==3.13.0", "django-reversion==6.4.0"),
    *("django-celery-beat==2.9.0", "django-celery-results==2.6.0"),
    *("django-allauth[socialaccount,mfa]==65.21.1", "django-oauth-toolkit==3.4.1"),
    *("easy-thumbnails==2.10.1", "django-parler==2.4", "django-modeltranslation==0.20.6"),
    *("django-money==3.6.2", "django-phonenumber-field[phonenumberslite]==9.0.0"),
    *("django-countries==9.1.0", "django-timezone-field==7.2.2", "django-auditlog==3.4.1"),
    *("django-axes==8.3.1", "django-otp==1.7.5", "django-constance==4.4.0"),
    *("django-waffle==5.0.0", "django-cities-light==3.11", "django-ledger==0.8.5"),
    *("wiki==0.13.0", "django-filer==3.6.0", "django-treebeard==7.0.3", "qrcode==8.2"),
)
# A model's integer primary key that is no AutoField is filled in by SQLite all the same.
ROW_NUMBER = {
    "customuser_customuser: (missing|invented) column identifier integer( IDENTITY)?": "the row's"
}
PROJECTS: Mapping[str, Project] = {
    "bare": Project(requirements=(), settings="settings_bare"),
    "wagtail": Project(
        requirements=("wagtail==8.0.1",),
        settings="settings_wagtail",
        explained=ROW_NUMBER,
    ),
    "wagtail-django6": Project(
        requirements=("wagtail==8.0.1",),
        settings="settings_wagtail",
        explained=ROW_NUMBER,
        python=(3, 12),
        django="django>=6.0,<6.1",
    ),
    "oscar": Project(
        requirements=("django-oscar==4.2.1", "sorl-thumbnail==12.11.0"),
        settings="settings_oscar",
    ),
    "zoo": Project(requirements=ZOO, settings="settings_zoo"),
    "pretix": Project(
        requirements=("pretix==2026.8.0",),
        settings="settings_pretix",
        language="en",  # a default is LANGUAGE_CODE, and a model translates when it is imported
        explained={"pretixbase_devicelastseen: missing index .* brin": "its index skips SQLite"},
    ),
    "nautobot": Project(
        requirements=("nautobot==3.2.7",),
        settings="settings_nautobot",
    ),
}


class CannotRunError(Exception):
    """What is missing, and what to do about it."""


@dataclass(slots=True)
class Outcome:
    """What one project's run found."""

    tables: int = 0
    columns: int = 0
    relations: int = 0
    seconds: float = 0
    diagrams: int = 0
    findings: int = 0
    largest: int = 0  # characters of the largest page
    html: int = 0  # bytes
    problems: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One project on one engine."""

    project: Project
    python: Path
    directory: Path
    database: Mapping[str, Any]
    with_migrations: bool
    outcome: Outcome = field(default_factory=Outcome)

    def inside(self, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
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
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(arguments, -1, "", f"over {PATIENCE} seconds")

    def command(self, *arguments: str, language: str = "en", expected: Sequence[int] = (0,)) -> str:
        """Run ``generate_erd`` and return what it printed."""
        done = self.inside("-m", "django", "generate_erd", *arguments, language=language)
        if done.returncode not in expected or "Traceback" in done.stderr:
            words = " ".join(arguments)
            self.problem(f"generate_erd {words}: exit {done.returncode}: {tail(done)}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        done = self.inside(str(FOREIGN / "inside.py"), *arguments)
        if done.returncode:
            raise CannotRunError(f"{arguments[0]}: {tail(done)}")
        return json.loads(done.stdout.splitlines()[-1])

    def problem(self, text: str) -> None:
        self.outcome.problems.append(text)


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


# What is checked


def document(run: Run) -> None:
    """Write every format, twice."""
    outcome = run.outcome
    started = time.perf_counter()
    run.command()
    outcome.seconds = time.perf_counter() - started
    repeat(run)
    run.command("--check")
    for options in FORMATS:
        output = ("--output", "-".join(options).replace("-", ""))
        run.command(*options, *output)
        repeat(run, *options, *output)
    linted = run.command("--lint", "--format", "json", expected=(0, 1))
    outcome.findings = len(json.loads(linted)["findings"]) if linted.startswith("{") else 0
    found = read_json(run.directory / "formatjson" / "schema.json")
    tables = found.get("tables", ())
    outcome.tables = len(tables)
    outcome.columns = sum(len(table.get("columns", ())) for table in tables)
    outcome.relations = sum(
        len(table.get(kind, ()))
        for table in tables
        for kind in ("foreign_keys", "many_to_many", "generic_keys")
    )


def repeat(run: Run, *options: str) -> None:
    """See that nothing is written the second time, whatever language is active."""
    if "up to date" not in run.command(*options, language=run.project.language):
        run.problem(f"a second generate_erd {' '.join(options)} wrote something")


def read_pages(run: Run) -> None:
    """Look at all that was written."""
    machine = re.compile(rf"{LEAKS.pattern}|{re.escape(str(run.directory))}")
    for path in sorted(run.directory.glob("*/*")):
        if path.suffix not in {".md", ".json", ".dbml", ".mmd", ".dot", ".html"}:
            continue
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            run.outcome.diagrams += content.count("\n```mermaid\n")
            run.outcome.largest = max(run.outcome.largest, len(content))
        elif path.suffix == ".html":
            run.outcome.html = len(content.encode())
        if path.suffix in {".md", ".json"}:
            for leak in sorted({found[0] for found in machine.finditer(content)}):
                run.problem(f"{path.parent.name}/{path.name} says {leak!r}")


def compare(run: Run) -> None:
    """Compare the models with the database, and document that."""
    commands = [
        ["generate_erd", "--from-database", "--output", "live"],
        ["generate_erd", "--from-database", "--output", "live", "--check"],
        ["generate_erd", "--from-database", "--format", "json", "--output", "live"],
    ]
    arguments = {"extensions": list(run.project.extensions), "commands": commands}
    found = run.json("compare", json.dumps(arguments))
    for word in ("missing", "invented"):
        for table, facts in found[word].items():
            for fact in facts:
                difference = f"{table}: {word} {fact}"
                if run.with_migrations or reason_for(run.project, difference):
                    run.outcome.explained.append(difference)
                else:
                    run.problem(difference)


def reason_for(project: Project, difference: str) -> str:
    always = {"django_migrations: invented .*": "no model speaks of it"}
    reasons = always | dict(project.explained)
    return next((why for pattern, why in reasons.items() if re.fullmatch(pattern, difference)), "")


def parse_diagrams(run: Run, mermaid: Path, versions: Sequence[Path]) -> None:
    """Parse every diagram with Mermaid itself."""
    folders = [str(run.directory / name) for name in ("pages", "live", "formatmermaid")]
    options = [[], *(["--mermaid", str(version)] for version in versions)]
    for option in options:
        command = ["node", str(mermaid / CHECKER), *option, "--all", "--max-text", "50000"]
        present = [folder for folder in folders if Path(folder).exists()]
        done = subprocess.run(  # noqa: S603
            [*command, *present], capture_output=True, encoding="utf-8", check=False
        )
        if done.returncode:
            where = f" {Path(option[1]).parent.parent.name}" if option else ""
            run.problem(f"Mermaid{where}: {tail(done)}")


def require_mermaid(mermaid: Path | None) -> None:
    if mermaid is None:
        return
    if not shutil.which("node"):
        raise CannotRunError("--mermaid takes node, which is not installed.")
    for needed in (mermaid / CHECKER, mermaid / "node_modules"):
        if not needed.exists():
            raise CannotRunError(f"--mermaid: there is no {needed}; copy the checker, npm install.")


# Report


def look_at(arguments: argparse.Namespace, cache: Path, name: str, engine: str) -> Outcome:
    project = PROJECTS[name]
    outcome = Outcome()
    try:
        driver = bool(arguments.postgres)
        python = prepare(name, project, cache=cache, interpreter=arguments.python, driver=driver)
        directory = cache / "runs" / f"{name}-{engine}"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(  # alone: the repository's other packages have names of their own
            REPOSITORY / "schematools", directory / "path" / "schematools"
        )
        run = Run(
            project=project,
            python=python,
            directory=directory,
            database=database_settings(engine, directory, arguments.postgres),
            with_migrations=arguments.migrations,
            outcome=outcome,
        )
        apps = run.json("apps")
        (directory / "apps.json").write_text(json.dumps(apps), encoding="utf-8")
        document(run)
        compare(run)
        read_pages(run)
        if arguments.mermaid:
            parse_diagrams(run, arguments.mermaid, arguments.mermaid_version)
    except CannotRunError as error:
        outcome.problems.append(str(error))
    return outcome


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def lines(name: str, engine: str, outcome: Outcome, *, limit: int | None) -> Iterator[str]:
    problems = outcome.problems
    yield (
        f"{name:16} {engine:10} {outcome.tables:4} tables {outcome.columns:5} columns "
        f"{outcome.relations:4} relations {outcome.seconds:5.1f} s {outcome.diagrams:3} diagrams "
        f"{outcome.findings:4} lint {outcome.largest // 1000:4} kB page "
        f"{outcome.html // 1000:5} kB html  "
        + (f"{len(problems)} PROBLEMS" if problems else "ok")
        + (f", {len(outcome.explained)} explained" if outcome.explained else "")
    )
    yield from (f"    {problem}" for problem in problems[:limit])
    if limit is not None and len(problems) > limit:
        yield f"    … and {len(problems) - limit} more: --all shows them"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="*", metavar="PROJECT", help=", ".join(PROJECTS))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep environments and pages")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of environments")
    parser.add_argument("--postgres", default="", metavar="URL", help="try this server as well")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--mermaid", type=Path, metavar="DIR", help=f"where {CHECKER} is installed")
    parser.add_argument(
        "--mermaid-version", type=Path, metavar="DIR", action="append", default=[],
        help="another mermaid package to parse with; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--migrations", action="store_true",
        help="make tables by the migrations, whose residue is then shown and no problem",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="show every problem and difference")
    arguments = parser.parse_args()
    for name in arguments.projects:
        if name not in PROJECTS:
            parser.error(f"there is no project {name!r}; there are {', '.join(PROJECTS)}")
    try:
        require_mermaid(arguments.mermaid)
        version = version_of(arguments.python)
    except CannotRunError as error:
        parser.exit(2, f"{error}\n")
    with tempfile.TemporaryDirectory() as temporary:
        cache = (arguments.cache or Path(temporary)).absolute()
        return report(arguments, cache, version)


def report(arguments: argparse.Namespace, cache: Path, version: tuple[int, int]) -> int:
    failed = False
    for name in arguments.projects or PROJECTS:
        project = PROJECTS[name]
        if version < project.python:
            wanted = ".".join(map(str, project.python))
            print(f"{name:16} skipped: it takes Python {wanted}; name one with --python")
            continue
        for engine in project.engines:
            if arguments.engine not in {None, engine}:
                continue
            if engine == "postgresql" and not arguments.postgres:
                continue
            outcome = look_at(arguments, cache, name, engine)
            limit = None if arguments.all else SHOWN
            print(*lines(name, engine, outcome, limit=limit), sep="\n", flush=True)
            for found in outcome.explained if arguments.all else ():
                print(f"    explained: {found}", flush=True)
            failed = failed or bool(outcome.problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
