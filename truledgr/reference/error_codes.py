"""docs/reference/error-codes.md: what a client may branch on."""

from __future__ import annotations

from core.api.codes import CODES, Code, Place
from truledgr.reference.markdown import code, page, table

INTRODUCTION = (
    "An answer of 400 and more under `/api/v1/` is `application/problem+json` (RFC 9457) with a "
    "`code`. Programs branch on `code`, people read `detail`. A code never changes its meaning. "
    "[Errors](../api/errors.md) shows what such an answer looks like."
)
SECTIONS = {
    Place.PROBLEM: ("Of the whole answer", "`code` of the problem."),
    Place.FIELD: ("Of one field", "`code` in the list of `errors`, beside the name of the field."),
    Place.IMPORT: ("Of one row of an import", "`code` in the `report` of a file of items."),
}


def error_codes_page() -> str:
    parts = [INTRODUCTION]
    for place, (title, where) in SECTIONS.items():
        rows = [_row(known) for known in CODES.values() if place in known.places]
        head = ("code", "status", "meaning", "what to do")
        parts += [f"## {title}", where, table(head, sorted(rows))]
    return page("Error codes", *parts)


def _row(known: Code) -> tuple[str, str, str, str]:
    return code(known.code), str(known.status), known.meaning, known.what_to_do
