"""What every command of ours holds: `docs/operations/command-line.md`."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, load_command_class
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError

from core.errors import ConflictError
from core.management import base

# No app of ours imports the toolkit, and it imports none.
schematools_base = import_module("schematools.management.base")
APPS = (
    "core", "users", "authentication", "authorization", "groups", "items", "truledgr",
    "schematools",
)  # fmt: skip
COMMANDS = {
    path.stem: app
    for app in APPS
    for path in sorted(Path(settings.BASE_DIR, app, "management/commands").glob("[!_]*.py"))
}
FINDINGS = {
    base.Command: base.FindingsError,
    schematools_base.Command: schematools_base.FindingsError,
}
BASES = tuple(FINDINGS)
COLOUR = "\x1b["


def load(name):
    return load_command_class(COMMANDS[name], name)


def parser_of(command, name):
    command._called_from_command_line = True
    return command.create_parser("manage.py", name)


every_command = pytest.mark.parametrize("name", COMMANDS)
both_bases = pytest.mark.parametrize("kind", BASES, ids=["core", "schematools"])


# --- Help ---------------------------------------------------------------------------------


def test_the_commands_of_every_app_are_found():
    assert len(COMMANDS) > 25
    assert set(COMMANDS.values()) <= {config.name for config in apps.get_app_configs()}


@every_command
def test_the_help_teaches(name):
    command = load(name)

    text = parser_of(command, name).format_help()

    assert isinstance(command, BASES)
    assert len(command.help) > 40
    assert 2 <= len(command.examples) <= 10
    assert "Examples:" in text
    assert "Exit codes:" in text
    assert {0, 2, 130} <= set(command.all_exit_codes())
    assert Path(settings.BASE_DIR, command.page).is_file()


@every_command
def test_every_option_is_explained(name):
    for action in parser_of(load(name), name)._actions:
        assert action.help, (name, action.dest)


@every_command
def test_the_examples_can_be_typed(name):
    """Each is parsed as the shell and the command would; a pipe is two commands."""
    called = []
    for line, what in load(name).examples:
        assert what
        for words in commands_of(line):
            called.append(words[0])
            command = load(words[0])
            parser_of(command, words[0]).parse_args(words[1:])

    assert name in called


def commands_of(line):
    """The words after each ``python manage.py`` of a line."""
    for part in re.split(r"[|>)]|&&", line):
        if "python manage.py " in part:
            yield shlex.split(part.split("python manage.py ")[1])


@every_command
def test_programs_can_read_it_or_there_is_a_reason(name):
    command = load(name)
    choices = {
        choice
        for action in parser_of(command, name)._actions
        if {"--format", "--report"} & set(action.option_strings)
        for choice in action.choices
    }

    assert ("json" in choices) != bool(getattr(command, "why_no_json", ""))


# --- Exit codes ---------------------------------------------------------------------------


def ended(kind, work, *arguments, capsys):
    """What a command of this base did that does ``work``: exit code, stdout, stderr."""

    class Command(kind):
        requires_system_checks = []

        def add_arguments(self, parser):
            if kind is schematools_base.Command:  # whose commands add it themselves
                parser.add_argument("--format", dest="file_format")

        def handle(self, **options):
            return work(self)

    code = 0
    try:
        Command().run_from_argv(["manage.py", "example", *arguments])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    return code, out, err


def raising(error):
    def work(_command):
        raise error

    return work


class NotThereError(Exception):
    sqlstate = "42P01"


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """What ends a command closes the connections, of which a test may have some open."""
    monkeypatch.setattr("sys.excepthook", sys.__excepthook__)  # without the lines of our log
    monkeypatch.setattr("django.db.utils.ConnectionHandler.close_all", lambda _handler: None)


@both_bases
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandError("No such file."), 2, "No such file.\n"),
        (CommandError("Odd.", returncode=3), 3, "Odd.\n"),
        (OperationalError("no route\nhint"), 2, r".*no route.*\n"),
        (InterfaceError("the connection is closed"), 2, None),
        (KeyboardInterrupt(), 130, r"Stopped\. Nothing was changed\.\n"),
        (ZeroDivisionError("a bug"), 2, r"(?s)Traceback.*ZeroDivisionError: a bug\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_ends_a_command_is_a_sentence_and_an_exit_code(kind, error, code, said, capsys):
    found, out, err = ended(kind, raising(error), capsys=capsys)

    assert (found, out) == (code, "")
    if said:
        assert re.fullmatch(said, err)


@both_bases
def test_findings_end_with_one(kind, capsys):
    error = FINDINGS[kind]("2 findings.")

    assert ended(kind, raising(error), capsys=capsys) == (1, "", "2 findings.\n")


@both_bases
def test_programs_get_the_error_as_json_and_no_remark_about_findings(kind, capsys):
    code, out, err = ended(kind, raising(CommandError("No.")), "--format", "json", capsys=capsys)
    quiet = ended(kind, raising(FINDINGS[kind]("2 findings.")), "--format=json", capsys=capsys)

    assert (code, out) == (2, "")
    assert json.loads(err) == {"error": {"exit_code": 2, "message": "No."}}
    assert quiet == (1, "", "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("no such table: users"), "Run 'python manage.py migrate'"),
        (caused(ProgrammingError("no users"), NotThereError()), "Run 'python manage.py migrate'"),
        (OperationalError("refused."), "did not answer: refused. Is it running, and is DATABASE"),
        (InterfaceError(), "did not answer: InterfaceError"),
        (ProgrammingError("syntax error"), "Traceback"),
        (IntegrityError("twice"), "Traceback"),
        (ConflictError("It is there."), "It is there."),
    ],
    ids=repr,
)
def test_a_database_that_is_away_or_old_is_a_sentence_and_a_bug_is_not(error, said, capsys):
    code, _out, err = ended(base.Command, raising(error), capsys=capsys)

    assert code == 2
    assert said in err
    assert ("Traceback" in err) == (said == "Traceback")


@both_bases
def test_sigterm_is_ctrl_c(kind, capsys):
    before = signal.getsignal(signal.SIGTERM)

    code, _out, err = ended(kind, lambda _: signal.raise_signal(signal.SIGTERM), capsys=capsys)

    assert (code, err) == (130, "Stopped. Nothing was changed.\n")
    assert signal.getsignal(signal.SIGTERM) is before


@both_bases
def test_traceback_shows_where_it_failed(kind, capsys):
    code, _out, err = ended(kind, raising(CommandError("No.")), "--traceback", capsys=capsys)

    assert code == 2
    assert "Traceback" in err


def test_a_reader_that_has_seen_enough_is_no_failure():
    """As with ``manage.py … | head``: the pipe is closed while there is more to write."""
    read, write = os.pipe()
    os.close(read)
    script = "import manage; manage.main()"
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", script, "run_schedule", "--list"],
            cwd=settings.BASE_DIR,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, "")


# --- Colours and progress -----------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def coloured(command):
    command.stdout.write(command.style.SUCCESS("fine"))


@both_bases
@pytest.mark.parametrize(
    ("stream", "variables", "arguments", "is_coloured"),
    [
        (io.StringIO, {}, [], False),
        (Terminal, {}, [], True),
        (Terminal, {"NO_COLOR": "1"}, [], False),
        (Terminal, {"NO_COLOR": "1"}, ["--force-color"], True),
        (Terminal, {"TERM": "dumb"}, [], False),
        (Terminal, {}, ["--no-color"], False),
        (io.StringIO, {"FORCE_COLOR": "1"}, [], True),
        (io.StringIO, {"FORCE_COLOR": "0"}, [], False),
        (io.StringIO, {"FORCE_COLOR": "1"}, ["--no-color"], False),
        (io.StringIO, {}, ["--force-color"], True),
    ],
)
def test_colours_go_to_terminals(
    kind, stream, variables, arguments, is_coloured, monkeypatch, capsys
):
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "DJANGO_COLORS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = stream()
    monkeypatch.setattr("sys.stdout", out)

    ended(kind, coloured, *arguments, capsys=capsys)

    assert (COLOUR in out.getvalue()) == is_coloured


@pytest.mark.parametrize(
    ("stream", "arguments", "is_shown"),
    [(Terminal, [], True), (Terminal, ["--verbosity", "0"], False), (io.StringIO, [], False)],
)
def test_progress_goes_to_terminals(stream, arguments, is_shown, monkeypatch, capsys):
    def work(command):
        with command.progress("Counting", unit="rows", total=2) as bar:
            bar.update(2)

    err = stream()
    monkeypatch.setattr("sys.stderr", err)

    assert ended(base.Command, work, *arguments, capsys=capsys)[:2] == (0, "")

    assert ("Counting" in err.getvalue()) == is_shown
