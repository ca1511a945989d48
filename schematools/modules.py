"""Decides which of a project's apps are documented, and in which modules."""

import inspect
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from schematools.apps import SchematoolsConfig
from schematools.config import ModuleConfig, title_from
from schematools.model import Module
from schematools.registry import options
from schematools.suggestions import did_you_mean


def build_modules(
    app_configs: Iterable[AppConfig], named: Iterable[ModuleConfig] = ()
) -> tuple[Module, ...]:
    """Return a module for every app, sorted by name.

    Apps that the settings name go together under the name given there. Of the other apps, the
    project's own that have tables are documented, each as a module of its own; the rest
    are there to be referred to.
    """
    by_label = {app_config.label: app_config for app_config in app_configs}
    modules = [_named_module(config, by_label) for config in named]
    taken = {label for module in modules for label in module.apps}
    modules += [
        Module(
            name=label,
            title=_title(app_config),
            purpose=_purpose(app_config),
            apps=(label,),
            documented=is_project_app(app_config) and _has_tables(app_config),
        )
        for label, app_config in by_label.items()
        if label not in taken
    ]
    _refuse_equal_names(modules)
    return tuple(sorted(modules, key=lambda module: module.name))


def is_project_app(app_config: AppConfig) -> bool:
    """Tell whether the app's code is the project's own, neither installed nor Python's."""
    path = Path(app_config.path).resolve()
    if {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())


def _named_module(config: ModuleConfig, by_label: dict[str, AppConfig]) -> Module:
    for label in config.apps:
        if label not in by_label:
            raise ImproperlyConfigured(
                f'SCHEMATOOLS["MODULES"][{config.name!r}]: no installed app has the label '
                f"{label!r}. {did_you_mean(label, by_label)}"
            )
    first = by_label[config.apps[0]]
    return Module(
        name=config.name,
        title=config.title or title_from(config.name),
        purpose=config.purpose or _purpose(first),
        apps=config.apps,
    )


def _refuse_equal_names(modules: list[Module]) -> None:
    seen: dict[str, Module] = {}
    for module in modules:
        other = seen.setdefault(module.name.casefold(), module)
        if other is not module:
            raise ImproperlyConfigured(
                f'SCHEMATOOLS["MODULES"]: the module {other.name!r} is named like '
                f"the app {module.name!r}, which it does not hold; their pages would collide."
            )


def _has_tables(app_config: AppConfig) -> bool:
    """Tell whether there is anything to describe; the toolkit's own models are not."""
    return app_config.name != SchematoolsConfig.name and any(
        not options(model).proxy for model in app_config.get_models()
    )


def _title(app_config: AppConfig) -> str:
    with translation.override(None):  # as written, whatever language is active
        return _capitalised(str(app_config.verbose_name))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _purpose(app_config: AppConfig) -> str:
    """Return the first paragraph of the app configuration's docstring, if it has its own."""
    if type(app_config) is AppConfig:
        return ""
    paragraph, _, _ = inspect.cleandoc(type(app_config).__doc__ or "").partition("\n\n")
    return " ".join(paragraph.split())
