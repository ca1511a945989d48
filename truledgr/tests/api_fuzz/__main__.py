"""Makes the world, starts the server, runs schemathesis once for each kind of caller."""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import django

from truledgr.tests.engines import INTERRUPTED, redirecting, say, some_postgres
from truledgr.tests.postgres import PROJECT, ServerError

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SETTINGS = "truledgr.tests.api_fuzz.settings"
SIGNED_IN, ANONYMOUS = "signed-in", "anonymous"
SHORT = ["--phases", "examples,coverage"]
# The short form takes each fifth case, which finds what is wrong with an operation as a whole.
SHARE = {"API_FUZZ_EVERY": "5"}
COULD_NOT_RUN = 2


def main() -> int:
    options = _options()
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    for name in redirecting(os.environ):
        del os.environ[name]
    try:
        with some_postgres() as (url, engine), tempfile.TemporaryDirectory() as directory:
            say(f"\n=== {engine}, --seed {seed} ===")
            os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": SETTINGS}
            return _run(options, seed, url, Path(directory))
    except ServerError as error:
        say(f"Could not run: {error}")
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        return INTERRUPTED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m truledgr.tests.api_fuzz")
    parser.add_argument("--seed", type=int, help="send what the run that printed it sent")
    parser.add_argument("--as", dest="who", choices=[SIGNED_IN, ANONYMOUS], help="one of them only")
    parser.add_argument("--short", action="store_true", help="examples and edges, no fuzzing")
    parser.add_argument("rest", nargs="*", metavar="-- OPTION", help="options of schemathesis")
    return parser.parse_args()


def _run(options: argparse.Namespace, seed: int, url: str, directory: Path) -> int:
    django.setup()
    # Both read the settings.
    from truledgr.tests.api_fuzz.world import make_world  # noqa: PLC0415
    from truledgr.tests.serving import serving  # noqa: PLC0415

    world = make_world(url)
    with serving(directory, DJANGO_SETTINGS_MODULE=SETTINGS) as server:
        server.wait_until_ready()
        document = f"http://127.0.0.1:{server.port}/api/schema/?format=json"
        given = [document, "--seed", str(seed), *(SHORT if options.short else ()), *options.rest]
        share = SHARE if options.short else {}
        callers: dict[str, tuple[list[str], dict[str, str]]] = {
            SIGNED_IN: (["--header", f"Authorization: Bearer {world.token}"], world.environ),
            ANONYMOUS: ([], {}),
        }
        runs = [
            Run(caller, [*given, *credentials], {**environ, **share}, directory)
            for caller, (credentials, environ) in callers.items()
            if options.who in {None, caller}
        ]
        try:
            codes = [run.end() for run in runs]
        finally:
            for run in runs:
                run.process.terminate()
                run.process.wait()
        log = server.log.read_text()
    if any(codes):
        say(f"\n=== The server's log ===\n{log}")
    return max(codes)


class Run:
    """One schemathesis, for one kind of caller, beside that for the other."""

    def __init__(
        self, caller: str, options: Sequence[str], environ: Mapping[str, str], directory: Path
    ) -> None:
        self.caller = caller
        self.said = directory / f"{caller}.log"
        program = Path(sys.executable).with_name("schemathesis")
        command = [str(program), "--config-file", str(CONFIGURATION), "run", *options]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env={**os.environ, **environ}, stdout=said, stderr=said
            )

    def end(self) -> int:
        """Show what it says while it says it, and answer its exit code."""
        say(f"\n=== {self.caller} ===")
        with self.said.open() as said:
            while True:
                is_over = self.process.poll() is not None
                sys.stdout.write(said.read())
                sys.stdout.flush()
                if is_over:
                    return self.process.returncode
                time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
