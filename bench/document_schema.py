"""Documents synthetic projects of many models, against what Django's own commands take there.

Every contestant is a process of its own, as people run it: Python, Django and the project's models
are loaded each time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
MODELS_IN_AN_APP = 25
MIB = 1024 * 1024

CHECK = ("check",)
DOCUMENT = ("generate_erd",)
GRAPH = ("graph_models", "--all-applications", "--dot", "--output", "graph.dot")

SETTINGS = """\
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "synthetic"
INSTALLED_APPS = ["django.contrib.contenttypes", "schematools", "django_extensions", {apps}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
USE_TZ = True
SCHEMATOOLS = {{"OUTPUT": "docs"}}
"""
MODEL = '''
class Model{number}(models.Model):
    """Number {number} of many."""

    name = models.CharField(max_length=80, help_text="What people call it.")
    slug = models.SlugField(unique=True)
    state = models.CharField(max_length=8, choices=[("a", "Active"), ("b", "Blocked")])
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    count = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)
    parent = models.ForeignKey("{parent}", models.CASCADE, null=True, related_name="+")
    other = models.ForeignKey("{other}", models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["state", "-made_at"], name="{name}_state_idx")]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="{name}_amount_check")
        ]
'''


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took."""

    seconds: float
    peak: int  # bytes


def make_project(directory: Path, *, models: int) -> None:
    """Write a project of so many models, each with 12 columns and two foreign keys."""
    random = Random(models)
    labels = [f"app{number // MODELS_IN_AN_APP}.Model{number}" for number in range(models)]
    apps = sorted({label.partition(".")[0] for label in labels})
    (directory / "settings.py").write_text(
        SETTINGS.format(apps=", ".join(repr(app) for app in apps)), encoding="utf-8"
    )
    for app in apps:
        (directory / app).mkdir()
        (directory / app / "__init__.py").touch()
        (directory / app / "models.py").write_text(
            "from django.db import models\n"
            + "".join(
                MODEL.format(
                    number=number,
                    name=f"model{number}",
                    parent=labels[max(0, number - random.randint(0, MODELS_IN_AN_APP))],
                    other=random.choice(labels),
                )
                for number, label in enumerate(labels)
                if label.startswith(f"{app}.")
            ),
            encoding="utf-8",
        )


def run(directory: Path, arguments: tuple[str, ...]) -> Run:
    """Run a management command of the project and measure its process."""
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "django", *arguments],
        cwd=directory,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": os.pathsep.join([str(directory), str(PROJECT)]),
        },
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed.")
    return Run(time.perf_counter() - started, usage.ru_maxrss * 1024)


def measure(models: int, *, rounds: int) -> dict[tuple[str, ...], Run]:
    """Return the median of each contestant's runs, which take turns."""
    runs: dict[tuple[str, ...], list[Run]] = {CHECK: [], DOCUMENT: [], GRAPH: []}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_project(directory, models=models)
        run(directory, CHECK)  # compiles the modules for all
        for _ in range(rounds):
            for contestant, found in runs.items():
                for page in directory.glob("docs/*"):
                    page.unlink()
                found.append(run(directory, contestant))
    return {
        contestant: Run(
            median(each.seconds for each in found), int(median(each.peak for each in found))
        )
        for contestant, found in runs.items()
    }


def report(what: str, measured: float, against: float, limit: float, *, unit: str) -> bool:
    """Print one line and return whether the ratio is within its limit."""
    ratio = measured / against
    verdict = "ok" if ratio <= limit else "TOO MUCH"
    print(
        f"  {what:44} {measured:8.2f} {unit} : {against:8.2f} {unit} = {ratio:6.2f}"
        f"  at most {limit:g}  {verdict}"
    )
    return ratio <= limit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=5_000, help="to see that it stays linear")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    runs = measure(arguments.models, rounds=arguments.rounds)
    more = measure(arguments.many, rounds=1)
    times = arguments.many / arguments.models
    print(f"{arguments.models:,} models, 12 columns each")
    verdicts = [
        report("documentation : check", runs[DOCUMENT].seconds, runs[CHECK].seconds, 1.5, unit="s"),
        report(
            "documentation : graph_models", runs[DOCUMENT].seconds, runs[GRAPH].seconds, 1, unit="s"
        ),
        report("peak memory : 200 MiB", runs[DOCUMENT].peak / MIB, 200, 1, unit="MiB"),
        report(
            f"{arguments.many:,} models : {arguments.models:,}, per model",
            more[DOCUMENT].seconds / times,
            runs[DOCUMENT].seconds,
            1.25,
            unit="s",
        ),
    ]
    print(
        f"  … {arguments.many:,} models: {more[DOCUMENT].seconds:.1f} s, "
        f"{more[DOCUMENT].peak / MIB:.0f} MiB; check {more[CHECK].seconds:.1f} s, "
        f"{more[CHECK].peak / MIB:.0f} MiB; graph_models {more[GRAPH].seconds:.1f} s"
    )
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
