"""Every code that an answer of the API may carry is in the registry, and none else."""

import ast
import importlib
import pkgutil
from functools import cache

import pytest
from rest_framework import exceptions
from rest_framework.permissions import BasePermission

from core.api.codes import CODES, Place, codes_of
from core.api.errors import STATUS_OF
from core.api.serializers import StrictSerializer
from core.errors import DomainError
from truledgr.tests.postgres import PROJECT

APPS = ("core", "users", "authentication", "authorization", "groups", "items")
# Functions whose argument `code`, or whose second argument, ends up in an answer.
BY_NAME = {"ErrorDetail", "PermissionDenied", "ValidationError", "problem_page", "refuse"}
BY_PLACE = {"Fault", "refuse"}
# Answered by what is no program of the API: commands, and the flows under /api/auth/, whose
# errors are allauth's (docs/api/errors.md).
ELSEWHERE = {
    "table_busy", "unknown_job", "unknown_rule",
    "connected_other", "incorrect_code", "last_factor", "last_way_in", "passkey_challenge_missing",
    "passkey_refused", "sign_in_again",
}  # fmt: skip
# DRF's own that nothing here raises.
UNUSED = {"error"}


@cache
def import_everything():
    """Import everything, so that every class is known."""
    for app in (*APPS, "truledgr"):
        package = importlib.import_module(app)
        for module in pkgutil.walk_packages(package.__path__, f"{app}."):
            if not {"tests", "migrations", "management"} & set(module.name.split(".")):
                importlib.import_module(module.name)


def subclasses(kind):
    import_everything()
    direct = kind.__subclasses__()
    return {*direct, *(one for sub in direct for one in subclasses(sub))}


def ours(kind):
    return {one for one in subclasses(kind) if one.__module__.split(".")[0] in (*APPS, "truledgr")}


def codes_of_rules():
    return {kind.code for kind in {DomainError, *ours(DomainError)}}


def codes_of_django_rest_framework():
    return {kind.default_code for kind in subclasses(exceptions.APIException)} - UNUSED


def codes_of_permissions():
    return {kind.code for kind in ours(BasePermission) if hasattr(kind, "code")}


def codes_of_fields():
    found = set()
    waiting = [kind() for kind in ours(StrictSerializer)]
    while waiting:
        field = waiting.pop()
        found |= {*field.error_messages}
        found |= {one.code for one in field.validators if hasattr(one, "code")}
        waiting += getattr(field, "fields", {}).values()
        waiting += [field.child] if hasattr(field, "child") else []
    return found


def codes_in_sources():
    paths = [path for app in APPS for path in (PROJECT / app / "api").glob("*.py")]
    paths += [PROJECT / "truledgr" / name for name in ("errors.py", "refusals.py")]
    paths += (PROJECT / "items" / "services").glob("import*.py")
    return {code for path in paths for code in literals(ast.parse(path.read_text()))}


def literals(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        values = [word.value for word in node.keywords if word.arg == "code" and name in BY_NAME]
        values += node.args[1:2] if name in BY_PLACE and len(node.args) == 3 else []
        yield from (value.value for value in values if isinstance(value, ast.Constant))


def every_code():
    return (
        codes_of_rules()
        | codes_of_django_rest_framework()
        | codes_of_permissions()
        | codes_of_fields()
        | codes_in_sources()
    )


def test_every_code_is_registered_and_none_that_nothing_answers():
    found = every_code()
    # Named by a constant, a variable or a condition.
    own = {"second_factor_required", "invalid_rows", "too_long", "csv"}

    assert sorted(found - CODES.keys() - ELSEWHERE) == []
    assert sorted(CODES.keys() - found - own) == []
    assert found >= ELSEWHERE


def test_a_code_has_the_status_that_it_is_answered_with():
    for kind in ours(DomainError):
        if kind.code in CODES and Place.PROBLEM in CODES[kind.code].places:
            by_kind = next(STATUS_OF[base] for base in kind.__mro__ if base in STATUS_OF)
            expected = {"not_found": 404, "bulk_failed": 422}.get(kind.code, by_kind)
            assert CODES[kind.code].status == expected, kind
    for kind in subclasses(exceptions.APIException):
        if kind.default_code not in UNUSED:
            assert CODES[kind.default_code].status == kind.status_code, kind


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_a_code_says_in_a_sentence_what_it_means_and_what_to_do(code):
    assert code.meaning.endswith(".")
    assert code.what_to_do.endswith(".")
    assert code.places
    assert (code.code in codes_of(code.status)) == (Place.PROBLEM in code.places)
