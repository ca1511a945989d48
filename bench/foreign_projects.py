"""Documents other people's projects, to see that schematools works where nobody thought of it.

Each project gets an environment of its own, with what the package index has in the pinned version,
and settings that add schematools (``bench/foreign``). All formats are written twice, the second
time in another language, and nothing may change. Then the models' tables are made in a new database
and read back: what the models say and what the database says must be the same.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foreign_catalogue import Project
from foreign_runs import CannotRunError, Run, add_arguments, for_each, tail

CHECKER = "mermaid-validate.mjs"
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
class Documentation(Run):
    """A run that documents the project."""

    outcome: Outcome

    def command(self, *arguments: str, language: str = "en", expected: Sequence[int] = (0,)) -> str:
        """Run ``generate_erd`` and return what it printed."""
        done = self.inside("-m", "django", "generate_erd", *arguments, language=language)
        if done.returncode not in expected or "Traceback" in done.stderr:
            words = " ".join(arguments)
            self.problems.append(f"generate_erd {words}: exit {done.returncode}: {tail(done)}")
        return done.stdout


# What is checked


def document(run: Documentation) -> None:
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


def repeat(run: Documentation, *options: str) -> None:
    """See that nothing is written the second time, whatever language is active."""
    if "up to date" not in run.command(*options, language=run.project.language):
        run.problems.append(f"a second generate_erd {' '.join(options)} wrote something")


def read_pages(run: Documentation) -> None:
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
                run.problems.append(f"{path.parent.name}/{path.name} says {leak!r}")


def compare(run: Documentation) -> None:
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
                    run.problems.append(difference)


def reason_for(project: Project, difference: str) -> str:
    always = {"django_migrations: invented .*": "no model speaks of it"}
    reasons = always | dict(project.explained)
    return next((why for pattern, why in reasons.items() if re.fullmatch(pattern, difference)), "")


def parse_diagrams(run: Documentation, mermaid: Path, versions: Sequence[Path]) -> None:
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
            run.problems.append(f"Mermaid{where}: {tail(done)}")


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
    outcome = Outcome()
    try:
        run = Documentation.made(
            name,
            engine,
            arguments=arguments,
            cache=cache,
            with_migrations=arguments.migrations,
            problems=outcome.problems,
            outcome=outcome,
        )
        apps = run.json("apps")
        (run.directory / "apps.json").write_text(json.dumps(apps), encoding="utf-8")
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
    add_arguments(parser)
    parser.add_argument("--mermaid", type=Path, metavar="DIR", help=f"where {CHECKER} is installed")
    parser.add_argument(
        "--mermaid-version", type=Path, metavar="DIR", action="append", default=[],
        help="another mermaid package to parse with; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--migrations", action="store_true",
        help="make tables by the migrations, whose residue is then shown and no problem",
    )  # fmt: skip
    arguments = parser.parse_args()
    try:
        require_mermaid(arguments.mermaid)
    except CannotRunError as error:
        parser.exit(2, f"{error}\n")

    def look(cache: Path, name: str, engine: str) -> bool:
        outcome = look_at(arguments, cache, name, engine)
        limit = None if arguments.all else SHOWN
        print(*lines(name, engine, outcome, limit=limit), sep="\n", flush=True)
        for found in outcome.explained if arguments.all else ():
            print(f"    explained: {found}", flush=True)
        return not outcome.problems

    return for_each(parser, arguments, look)


if __name__ == "__main__":
    sys.exit(main())
