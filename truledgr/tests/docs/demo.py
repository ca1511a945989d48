"""A clone of the project that serves demo data, in which the pages of the documentation are run."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from truledgr.tests.docs.blocks import ROOT, is_as_printed
from truledgr.tests.docs.warm import write_shim
from truledgr.tests.serving import free_port

PROGRAMS = ("bash", "curl", "git", "jq")
SECONDS_TO_START = 120
SECONDS_A_PAGE = 180
ADDRESS = re.compile(r"\b(?:localhost|127\.0\.0\.1):8000\b")
# Given by the demo, and different each time: a page has `…` for its value.
FILL_IN = re.compile(r"^(\s*(?:export )?)(TOKEN|PASSWORD|CODE)=\S*…\S*", re.MULTILINE)
# Standard error then has the status of each answer.
CURLRC = 'silent\nshow-error\nwrite-out = "%{stderr}\\n[HTTP %{http_code}]\\n"\n'
STATUS = re.compile(r"^\[HTTP (\d+)\]$", re.MULTILINE)
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "site", "staticfiles", "*.sqlite3*", ".*_cache", "__pycache__"
)


@dataclass
class Demo:
    directory: Path
    port: int
    password: str = ""
    codes: list = field(default_factory=list)
    token: str = ""

    @property
    def clone(self):
        return self.directory / "clone"

    def environment(self):
        kept = ("LANG", "LC_ALL", "PYTHONHASHSEED", "TMPDIR")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(self.directory),
            "PATH": f"{self.clone}/.venv/bin:{os.environ['PATH']}",
            "EDITOR": "true",
        }

    def run(self, page, blocks):
        """What is wrong with a page, in words."""
        outputs = self.directory / re.sub(r"\W", "-", page)
        outputs.mkdir()
        script = "set -eo pipefail\n" + "".join(
            f"{{\n{self.filled(block.text)}\n}} >{outputs}/{number}.out 2>{outputs}/{number}.err\n"
            for number, block in enumerate(blocks)
        )
        code = self.bash(script)
        reached = len(list(outputs.glob("*.out")))
        problems = []
        for number, block in enumerate(blocks[:reached]):
            out, err = ((outputs / f"{number}.{end}").read_text() for end in ("out", "err"))
            out = out.replace(f":{self.port}", ":8000")
            is_failed = code and number == reached - 1
            if flaw := f"it fails ({code})" if is_failed else flaw_of(block, out, err):
                problems.append(f"{block.name}: {flaw}\n{block.text}--\n{out}{err}")
        return problems

    def bash(self, script):
        """Run a script in a group of its own, which ends with it; answer its exit status."""
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.clone,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(SECONDS_A_PAGE)
        except subprocess.TimeoutExpired:
            return f"more than {SECONDS_A_PAGE} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def filled(self, text):
        values = {"TOKEN": self.token, "PASSWORD": self.password}

        def value(found):
            name = found[2]
            return f"{found[1]}{name}={self.codes.pop() if name == 'CODE' else values[name]}"

        return ADDRESS.sub(f"localhost:{self.port}", FILL_IN.sub(value, text))

    def reset(self):
        """Undo what a page has changed in the files."""
        for command in (["reset", "--hard", "--quiet"], ["clean", "-fdq"]):
            git(self.clone, *command)


def flaw_of(block, out, err):
    """A refusal by the server must be told in the block; what it prints is as the page shows."""
    for status in STATUS.findall(err):
        if int(status) >= 400 and status not in block.text + block.printed:
            return f"the server answers {status}, of which nothing is said"
    if block.printed and not is_as_printed(block.printed, out):
        return f"it should print\n{block.printed}--"
    return ""


@contextmanager
def running_demo(directory, migrated=None):
    """A ``Demo``; ``migrated`` is an SQLite database to begin with."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.fail(f"The commands of the documents need {program}. Install it.")
    demo = Demo(directory, free_port())
    make_clone(demo, migrated)
    server = demo.directory / "warm"
    write_shim(demo.clone / ".venv/bin/python", server)
    log = directory / "demo.log"
    environ = demo.environment() | {"PYTHONUNBUFFERED": "1"}
    warm = [sys.executable, "-m", "truledgr.tests.docs.warm", str(server)]
    served = ["python", "manage.py", "run_demo", "--port", str(demo.port)]
    with log.open("wb") as output:
        options = {"cwd": demo.clone, "stdout": output, "stderr": subprocess.STDOUT}
        processes = [subprocess.Popen(warm, env=environ, start_new_session=True, **options)]
        try:
            wait_for(server.exists, processes[0], log)
            processes.append(subprocess.Popen(served, env=environ, **options))
            wait_for(lambda: "Ctrl-C" in log.read_text(), processes[1], log)
            sign_in(demo, log.read_text())
            yield demo
        finally:
            os.killpg(
                processes[0].pid, signal.SIGKILL
            )  # its forks, the server among them, are in its group
            for process in processes:
                process.wait()


def make_clone(demo, migrated):
    shutil.copytree(ROOT, demo.clone, ignore=LEFT_OUT)
    (demo.directory / ".curlrc").write_text(CURLRC)
    programs = demo.clone / ".venv/bin"
    programs.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not program.name.startswith(("python", "activate")):
            (programs / program.name).symlink_to(program)
    (programs / "activate").touch()  # it is first in PATH already
    if migrated:
        with sqlite3.connect(migrated) as source:
            source.execute("VACUUM INTO ?", [str(demo.clone / "db.sqlite3")])
    git(demo.clone, "init", "--quiet", "--initial-branch", "main")
    git(demo.clone, "add", "--all")
    git(demo.clone, "commit", "--quiet", "--message", "The project")


def git(directory, *arguments):
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "core.hooksPath="]
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


def wait_for(is_so, process, log):
    deadline = time.monotonic() + SECONDS_TO_START
    while not is_so():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def sign_in(demo, banner):
    """Take what the banner says for signing in, and have a token made."""
    demo.password = re.search(r"Password: (\S+)", banner)[1]
    demo.codes = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", banner.partition("Code:")[2])
    made = subprocess.run(
        ["python", "manage.py", "create_api_token", "demo_admin", "--name", "documents"],
        cwd=demo.clone,
        env=demo.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    demo.token = re.search(r"tl_pat_\S+", made.stdout)[0]
