"""Reads and checks ``settings.SCHEMATOOLS``; every part of it may be left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from schematools.suggestions import did_you_mean

DEFAULT_OUTPUT = "docs/developer/database"
DEFAULT_TITLE = "Database schema"
DEFAULT_NAMES = "[a-z][a-z0-9_]*"

SETTINGS = (
    "ALIASES",
    "DRIFT_IGNORE",
    "EMBED",
    "HIDE",
    "INDEX_IGNORE",
    "LINT",
    "MODULES",
    "OUTPUT",
    "QUERIES",
    "TITLE",
    "VIEWPOINTS",
)
MODULE_SETTINGS = ("apps", "purpose", "title")
VIEWPOINT_SETTINGS = ("purpose", "tables", "title")
LINT_SETTINGS = ("ignore", "names")


@dataclass(frozen=True, slots=True)
class ModuleConfig:
    """A module named in the settings; empty texts are taken from its first app."""

    name: str
    apps: tuple[str, ...]
    title: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class ViewpointConfig:
    """Tables, by name, model or pattern, that get a page of their own besides their modules'."""

    name: str
    tables: tuple[str, ...]
    title: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """What the settings say; all paths are absolute.

    ``hide`` are patterns of tables that are left out everywhere; ``lint_ignore`` and ``names``
    are for the lint, ``drift_ignore`` and ``index_ignore`` give reasons, ``queries`` dotted paths
    of functions that return querysets, by name.
    """

    base_dir: Path
    output: Path
    title: str = DEFAULT_TITLE
    embed: tuple[Path, ...] = ()
    modules: tuple[ModuleConfig, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    viewpoints: tuple[ViewpointConfig, ...] = ()
    lint_ignore: tuple[str, ...] = ()
    names: str = DEFAULT_NAMES
    drift_ignore: Mapping[str, str] = field(default_factory=dict)
    index_ignore: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


def load_config() -> Config:
    """Return the project's configuration; raise ``ImproperlyConfigured`` for a wrong one."""
    base_dir = Path(getattr(settings, "BASE_DIR", Path.cwd())).absolute()
    return parse_config(getattr(settings, "SCHEMATOOLS", {}), base_dir=base_dir)


def parse_config(raw: Any, *, base_dir: Path) -> Config:
    """Return ``raw``, a ``SCHEMATOOLS`` setting, checked; relative paths start at ``base_dir``."""
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured("SCHEMATOOLS must be a dictionary.")
    _refuse_unknown_keys(raw, known=SETTINGS, where="SCHEMATOOLS")
    title = raw.get("TITLE", DEFAULT_TITLE)
    if not isinstance(title, str):
        raise ImproperlyConfigured('SCHEMATOOLS["TITLE"] must be a string.')
    return Config(
        base_dir=base_dir,
        output=base_dir / _path(raw.get("OUTPUT", DEFAULT_OUTPUT), where="OUTPUT"),
        title=title,
        embed=tuple(
            base_dir / _path(path, where="EMBED")
            for path in _list(raw.get("EMBED", ()), where='SCHEMATOOLS["EMBED"]')
        ),
        modules=_modules(raw.get("MODULES", {})),
        aliases=_pairs(raw.get("ALIASES", {}), where="ALIASES", what="names to names of modules"),
        drift_ignore=_pairs(
            raw.get("DRIFT_IGNORE", {}), where="DRIFT_IGNORE", what="findings to reasons"
        ),
        index_ignore=_pairs(
            raw.get("INDEX_IGNORE", {}), where="INDEX_IGNORE", what="findings to reasons"
        ),
        queries=_queries(raw.get("QUERIES", {})),
        hide=_texts(raw.get("HIDE", ()), where='SCHEMATOOLS["HIDE"]'),
        viewpoints=_viewpoints(raw.get("VIEWPOINTS", {})),
        **_lint(raw.get("LINT", {})),
    )


def _lint(raw: Any) -> dict[str, Any]:
    where = 'SCHEMATOOLS["LINT"]'
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured(f"{where} must be a dictionary.")
    _refuse_unknown_keys(raw, known=LINT_SETTINGS, where=where)
    names = raw.get("names", DEFAULT_NAMES)
    try:
        re.compile(names)
    except (TypeError, re.error) as error:
        raise ImproperlyConfigured(
            f'{where}["names"] must be a regular expression: {error}.'
        ) from error
    ignore = _texts(raw.get("ignore", ()), where=f'{where}["ignore"]')
    return {"lint_ignore": ignore, "names": names}


def _viewpoints(raw: Any) -> tuple[ViewpointConfig, ...]:
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured('SCHEMATOOLS["VIEWPOINTS"] must be a dictionary.')
    return tuple(_viewpoint(name, value) for name, value in sorted(raw.items(), key=str))


def _viewpoint(name: Any, value: Any) -> ViewpointConfig:
    where = f'SCHEMATOOLS["VIEWPOINTS"][{name!r}]'
    _refuse_bad_name(name, where=where, what="viewpoint")
    if not isinstance(value, Mapping):
        value = {"tables": value}
    _refuse_unknown_keys(value, known=VIEWPOINT_SETTINGS, where=where)
    tables = _texts(value.get("tables"), where=f"{where}: the tables")
    if not tables:
        raise ImproperlyConfigured(f"{where} names no table.")
    title, purpose = _texts(
        [value.get("title") or title_from(name), value.get("purpose", "")], where=where
    )
    return ViewpointConfig(name=name, tables=tables, title=title, purpose=purpose)


def title_from(name: str) -> str:
    """Return the words of a name that has none of its own, such as "Sign in" for "sign-in"."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _queries(raw: Any) -> dict[str, str]:
    """Return queries by name; a text is the dotted path of a function that returns them."""
    if isinstance(raw, str):
        try:
            raw = import_string(raw)()
        except ImportError as error:
            raise ImproperlyConfigured(f'SCHEMATOOLS["QUERIES"]: {error}.') from error
    return _pairs(raw, where="QUERIES", what="names to dotted paths")


def _pairs(raw: Any, *, where: str, what: str) -> dict[str, str]:
    texts = isinstance(raw, Mapping) and all(isinstance(t, str) for p in raw.items() for t in p)
    if not texts:
        raise ImproperlyConfigured(f'SCHEMATOOLS["{where}"] must map {what}.')
    return dict(raw)


def _modules(raw: Any) -> tuple[ModuleConfig, ...]:
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured('SCHEMATOOLS["MODULES"] must be a dictionary of modules.')
    modules = tuple(_module(name, value) for name, value in raw.items())
    owner: dict[str, str] = {}
    for module in modules:
        for label in module.apps:
            if label in owner:
                raise ImproperlyConfigured(
                    f'SCHEMATOOLS["MODULES"] names the app {label!r} twice, '
                    f"in {owner[label]!r} and in {module.name!r}."
                )
            owner[label] = module.name
    return modules


def _module(name: Any, value: Any) -> ModuleConfig:
    where = f'SCHEMATOOLS["MODULES"][{name!r}]'
    _refuse_bad_name(name, where=where, what="module")
    if not isinstance(value, Mapping):
        value = {"apps": value}
    _refuse_unknown_keys(value, known=MODULE_SETTINGS, where=where)
    apps = _texts(value.get("apps"), where=f"{where}: the app labels")
    if not apps:
        raise ImproperlyConfigured(f"{where} names no app.")
    title, purpose = _texts([value.get("title", ""), value.get("purpose", "")], where=where)
    return ModuleConfig(name=name, apps=apps, title=title, purpose=purpose)


def _refuse_bad_name(name: Any, *, where: str, what: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]*", name):
        raise ImproperlyConfigured(
            f"{where}: a {what}'s name becomes a file name; use letters, digits, '_' and '-'."
        )


def _refuse_unknown_keys(raw: Mapping[Any, Any], *, known: Sequence[str], where: str) -> None:
    for key in raw:
        if key not in known:
            raise ImproperlyConfigured(
                f"{where} has an unknown key {key!r}. {did_you_mean(str(key), known)}"
            )


def _list(value: Any, *, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ImproperlyConfigured(f"{where} must be a list.")
    return list(value)


def _texts(value: Any, *, where: str) -> tuple[str, ...]:
    texts = _list(value, where=where)
    for item in texts:
        if not isinstance(item, str):
            raise ImproperlyConfigured(f"{where}: {item!r} must be a string.")
    return tuple(texts)


def _path(value: Any, *, where: str) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ImproperlyConfigured(f'SCHEMATOOLS["{where}"]: {value!r} must be a path.')
    return Path(value)
