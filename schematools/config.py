"""Reads and checks ``settings.SCHEMATOOLS``; every part of it may be left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from schematools.suggestions import did_you_mean

DEFAULT_OUTPUT = "docs/developer/database"
DEFAULT_TITLE = "Database schema"

SETTINGS = ("ALIASES", "EMBED", "MODULES", "OUTPUT", "TITLE")
MODULE_SETTINGS = ("apps", "purpose", "title")


@dataclass(frozen=True, slots=True)
class ModuleConfig:
    """A module named in the settings; empty texts are taken from its first app."""

    name: str
    apps: tuple[str, ...]
    title: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """What the settings say; all paths are absolute."""

    base_dir: Path
    output: Path
    title: str = DEFAULT_TITLE
    embed: tuple[Path, ...] = ()
    modules: tuple[ModuleConfig, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


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
        aliases=_aliases(raw.get("ALIASES", {})),
    )


def _aliases(raw: Any) -> dict[str, str]:
    texts = isinstance(raw, Mapping) and all(isinstance(t, str) for p in raw.items() for t in p)
    if not texts:
        raise ImproperlyConfigured('SCHEMATOOLS["ALIASES"] must map names to names of modules.')
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
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]*", name):
        raise ImproperlyConfigured(
            f"{where}: a module's name becomes a file name; use letters, digits, '_' and '-'."
        )
    if not isinstance(value, Mapping):
        value = {"apps": value}
    _refuse_unknown_keys(value, known=MODULE_SETTINGS, where=where)
    apps = _list(value.get("apps"), where=f"{where}: the app labels")
    texts = {key: value.get(key, "") for key in ("title", "purpose")}
    for item in (*apps, *texts.values()):
        if not isinstance(item, str):
            raise ImproperlyConfigured(f"{where}: {item!r} must be a string.")
    if not apps:
        raise ImproperlyConfigured(f"{where} names no app.")
    return ModuleConfig(name=name, apps=tuple(apps), **texts)


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


def _path(value: Any, *, where: str) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ImproperlyConfigured(f'SCHEMATOOLS["{where}"]: {value!r} must be a path.')
    return Path(value)
