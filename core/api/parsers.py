"""Reading request bodies: JSON as RFC 8259 and RFC 7493 have it, and nothing looser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from typing import IO, Any

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ErrorDetail, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import JSONParser

from core.json_values import flaw_of, flaw_of_text, printable

LONGEST_NUMBER = 100


class StrictJSONParser(JSONParser):
    """JSON in UTF-8; each name once; numbers, text and depth that every engine can store.

    A fault is 400 and names the top-level field that holds it, where there is one.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _type, parameters = parse_header_parameters(media_type or "")
        if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or "", "JSON is read as UTF-8 only.")
        try:
            value = json.loads(
                stream.read().decode(),
                object_pairs_hook=_object,
                parse_constant=float,  # NaN and Infinity: refused by field
                parse_int=_integer,
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not valid UTF-8.") from error
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON. {error}") from error
        _refuse_flaws(value)
        return value


def _refuse_flaws(value: Any) -> None:
    if not isinstance(value, dict):
        if flaw := flaw_of(value):
            raise ParseError(flaw)
        return
    for name, inner in value.items():
        if flaw := flaw_of_text(name) or flaw_of(inner):
            raise _fault(name, flaw)


def _fault(name: str, message: str) -> ValidationError:
    return ValidationError({printable(name): [ErrorDetail(message, code="invalid")]})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _value in pairs:
            if name in seen:
                raise _fault(name, "The name stands more than once in one object.")
            seen.add(name)
    return members


def _integer(text: str) -> float:
    """The number; infinity, which is refused by field, for one that no column could hold."""
    return int(text) if len(text) <= LONGEST_NUMBER else inf
