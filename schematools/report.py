"""Prints findings the same way for every command, and chooses the exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandParser

from schematools.findings import AnyFinding, Ignore, Severity, unused
from schematools.markup import number
from schematools.terminal import FindingsError

VERSION = 1


def add_format_argument(parser: CommandParser) -> None:
    """Add ``--format``, as ``file_format``."""
    parser.add_argument(
        "--format",
        choices=["text", "json"],
        default="text",
        dest="file_format",
        help="text for people (the default), or one JSON document for programs",
    )


def add_report_arguments(parser: CommandParser) -> None:
    """Add ``--format`` and ``--ignore``, as ``file_format`` and ``ignore``."""
    add_format_argument(parser)
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="ID[:PATTERN]",
        help="leave out findings of this id, about objects that match; may be repeated",
    )


def report(
    command: BaseCommand,
    findings: Sequence[AnyFinding],
    *,
    file_format: str,
    clean: str,
    **others: Any,
) -> None:
    """Print the findings, or the sentence ``clean``; raise ``FindingsError`` when there are any.

    ``others`` go into the JSON object beside the findings.
    """
    if file_format == "json":
        document = {
            "version": VERSION,
            **others,
            "findings": [asdict(item) for item in findings],  # type: ignore[call-overload]
        }
        command.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
    elif findings:
        _list(command, findings)
    else:
        command.stdout.write(clean, command.style.SUCCESS)
    if findings:
        raise FindingsError(f"{number(len(findings), 'finding')}.")


def warn_of_unused(
    command: BaseCommand, findings: Sequence[AnyFinding], ignores: Sequence[Ignore]
) -> None:
    """Say which switches leave out nothing; ``findings`` are all, ignored ones included."""
    for each in unused(findings, ignores):
        command.stderr.write(f"Nothing is left out by ignoring '{each}': remove it.")


def _list(command: BaseCommand, findings: Sequence[AnyFinding]) -> None:
    styles = dict(
        zip(
            get_args(Severity),
            (command.style.ERROR, command.style.WARNING, command.style.NOTICE),
            strict=True,
        )
    )
    for severity, style in styles.items():
        for finding in findings:
            if finding.severity == severity:
                command.stdout.write(
                    f"{style(severity)}: {finding.object}: {finding.sentence} [{finding.id}]"
                )
                command.stdout.write(f"    {finding.remedy}")
