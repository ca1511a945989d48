"""Finds in the code which actions it records, without running it.

An action is what a call gives as ``action``, by keyword or by its place in a function of the same
module, or the default of such a parameter: a text, a choice between texts, or a constant.
"""

import ast
from importlib import import_module
from pathlib import Path

from django.conf import settings

from core.security_events import Kind

APPS = ("core", "users", "authentication", "authorization", "groups", "items", "truledgr")
# Their parameter of this name is something else: of argparse, of limits, of the OpenAPI document.
OTHERS = {"add_argument", "consume", "limit", "is_over"}
NO_MODULES = {"tests", "migrations"}


def recorded_actions():
    found = {kind.value for kind in Kind}
    for app in APPS:
        for path in Path(settings.BASE_DIR, app).rglob("*.py"):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            source = path.read_text(encoding="utf-8")
            records = "services" in parts or "audit." in source
            if records and "action" in source and NO_MODULES.isdisjoint(parts):
                found |= actions_in(ast.parse(source), ".".join(parts))
    return found


def actions_in(tree, module):
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    places = {function.name: place_of(function) for function in functions}
    values = [value for function in functions for value in defaults(function)]
    for call in nodes:
        if isinstance(call, ast.Call) and name_of(call.func) not in OTHERS:
            values += [keyword.value for keyword in call.keywords if keyword.arg == "action"]
            place = places.get(name_of(call.func))
            if place is not None and len(call.args) > place:
                values.append(call.args[place])
    return {text for value in values for text in texts(value, module)}


def name_of(function):
    return getattr(function, "attr", None) or getattr(function, "id", "")


def place_of(function):
    names = [argument.arg for argument in function.args.args]
    return names.index("action") if "action" in names else None


def defaults(function):  # of keyword-only parameters, as services have them
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return [default for argument, default in named if argument.arg == "action" and default]


def texts(value, module):
    if isinstance(value, ast.Constant):
        return {value.value} if isinstance(value.value, str) else set()
    if isinstance(value, ast.IfExp):
        return texts(value.body, module) | texts(value.orelse, module)
    if isinstance(value, ast.BoolOp):
        return set().union(*(texts(part, module) for part in value.values))
    if isinstance(value, ast.Name) and value.id.isupper():
        return {str(getattr(import_module(module), value.id))}
    return set()
