"""docs/reference/commands.md: every command of the project, from its own parser."""

from __future__ import annotations

from argparse import SUPPRESS, Action
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from truledgr.reference.markdown import code, page, sentence, table

INTRODUCTION = (
    "Run as `python manage.py NAME`. Django's own options (`--settings`, `--verbosity`, "
    "`--no-color`, …) work with each and are not repeated. Exit status, unless a command says "
    "otherwise: 0 done, 2 could not run, 130 stopped by Ctrl-C. "
    "[The command line](../operations/command-line.md) shows what they are for."
)
# Django gives these to every command.
DJANGOS = frozenset(vars(BaseCommand().create_parser("manage.py", "any").parse_args([]))) | {
    "help", "version",
}  # fmt: skip


def commands_page() -> str:
    parts = [INTRODUCTION]
    for name, command in _own_commands():
        parts += [f"## {name}", *_described(name, command)]
    return page("Commands", *parts)


def _own_commands() -> Iterator[tuple[str, BaseCommand]]:
    """The commands that are part of this project, by name."""
    for name, app in sorted(get_commands().items()):
        is_own = apps.is_installed(app) and _is_of_project(app)
        if is_own:
            yield name, load_command_class(app, name)


def _is_of_project(app: str) -> bool:
    path = next(Path(config.path) for config in apps.get_app_configs() if config.name == app)
    return path.parent == Path(settings.BASE_DIR)


def _described(name: str, command: BaseCommand) -> Iterator[str]:
    text, *more = command.help.strip().split("\n\n")
    yield sentence(text)
    for paragraph in more:
        is_code = paragraph.startswith("  ")
        yield f"```text\n{paragraph}\n```" if is_code else paragraph
    if examples := getattr(command, "examples", ()):
        yield table(
            ("for example", "what it does"),
            [(code(line), sentence(what)) for line, what in examples],
        )
    parser = command.create_parser("manage.py", name)
    options = [
        action
        for action in parser._actions  # noqa: SLF001 (there is no other list of them)
        if action.dest not in DJANGOS and action.help != SUPPRESS
    ]
    if options:
        yield table(("option", "what"), [_row(action) for action in options])
    if own := getattr(command, "exit_codes", {}):
        yield table(
            ("exit status", "when"),
            [(str(status), sentence(own[status])) for status in sorted(own)],
        )


def _row(action: Action) -> tuple[str, str]:
    words = (action.help or "") % vars(action)
    if action.choices and action.metavar:
        words += f" ({', '.join(map(str, action.choices))})"
    return code(_written(action)), sentence(words)


def _written(action: Action) -> str:
    """``--flag``, ``--option VALUE``, or ``NAME`` of an argument."""
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    else:
        value = str(action.metavar or action.dest.upper())
    value = {"+": f"{value} …", "*": f"[{value} …]", "?": f"[{value}]"}.get(
        str(action.nargs), value
    )
    return f"{', '.join(action.option_strings)} {value}".strip()
