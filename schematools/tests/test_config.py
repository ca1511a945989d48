from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from schematools.config import Config, ModuleConfig, load_config, parse_config

BASE = Path("/project")


def test_nothing_needs_to_be_set():
    assert parse_config({}, base_dir=BASE) == Config(
        base_dir=BASE, output=BASE / "docs/developer/database", title="Database schema"
    )


def test_everything_can_be_set():
    raw = {
        "TITLE": "Shop",
        "OUTPUT": Path("/elsewhere"),
        "EMBED": ["docs/overview.md"],
        "ALIASES": {"mail": "crm"},
        "MODULES": {
            "crm": ["people", "mail"],
            "back-office": {"apps": ["bills"], "title": "Back office", "purpose": "Money."},
        },
    }

    assert parse_config(raw, base_dir=BASE) == Config(
        base_dir=BASE,
        output=Path("/elsewhere"),
        title="Shop",
        embed=(BASE / "docs/overview.md",),
        aliases={"mail": "crm"},
        modules=(
            ModuleConfig("crm", ("people", "mail")),
            ModuleConfig("back-office", ("bills",), title="Back office", purpose="Money."),
        ),
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "SCHEMATOOLS must be a dictionary"),
        ({"OUTPUTS": "x"}, "unknown key 'OUTPUTS'. Did you mean 'OUTPUT'"),
        ({"OUTPUT": 3}, r'SCHEMATOOLS\["OUTPUT"\]: 3 must be a path'),
        ({"OUTPUT": ""}, "must be a path"),
        ({"TITLE": None}, r'SCHEMATOOLS\["TITLE"\] must be a string'),
        ({"EMBED": "a.md"}, r'SCHEMATOOLS\["EMBED"\] must be a list'),
        ({"EMBED": [None]}, "None must be a path"),
        ({"ALIASES": {"a": 1}}, "must map names to names"),
        ({"MODULES": ["a"]}, "must be a dictionary of modules"),
        ({"MODULES": {"../x": ["a"]}}, "becomes a file name"),
        ({"MODULES": {"a": "users"}}, "the app labels must be a list"),
        ({"MODULES": {"a": []}}, "names no app"),
        ({"MODULES": {"a": [1]}}, "1 must be a string"),
        ({"MODULES": {"a": {"apps": ["x"], "titel": "X"}}}, "'titel'. Did you mean 'title'"),
        ({"MODULES": {"a": ["x"], "b": ["x"]}}, "names the app 'x' twice, in 'a' and in 'b'"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(raw, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        parse_config(raw, base_dir=BASE)


def test_the_settings_are_read(settings, tmp_path):
    settings.BASE_DIR = str(tmp_path)
    settings.SCHEMATOOLS = {"OUTPUT": "erd"}

    assert load_config().output == tmp_path / "erd"
