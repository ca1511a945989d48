from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from schematools.config import Config, ModuleConfig, ViewpointConfig, load_config, parse_config

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


def test_what_is_hidden_viewed_and_ignored_is_read(tmp_path):
    config = parse_config(
        {
            "HIDE": ["log_*"],
            "VIEWPOINTS": {
                "sign-in": ["users", "*_devices"],
                "access": {"tables": ["roles"], "title": "Rights", "purpose": "Who may what."},
            },
            "LINT": {"ignore": ["table-isolated"], "names": "[a-z]+"},
        },
        base_dir=tmp_path,
    )

    assert config.hide == ("log_*",)
    assert config.viewpoints == (
        ViewpointConfig("access", ("roles",), "Rights", "Who may what."),
        ViewpointConfig("sign-in", ("users", "*_devices"), "Sign in"),
    )
    assert (config.lint_ignore, config.names) == (("table-isolated",), "[a-z]+")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"HIDE": "log"}, r'"HIDE"\] must be a list'),
        ({"HIDE": [1]}, r'"HIDE"\]: 1 must be a string'),
        ({"VIEWPOINTS": ["a"]}, r'"VIEWPOINTS"\] must be a dictionary'),
        ({"VIEWPOINTS": {"a/b": ["t"]}}, r"a viewpoint's name becomes a file name"),
        ({"VIEWPOINTS": {"a": []}}, r"names no table"),
        ({"VIEWPOINTS": {"a": {"table": ["t"]}}}, r"unknown key 'table'. Did you mean 'tables'"),
        ({"VIEWPOINTS": {"a": {"tables": ["t"], "title": 1}}}, r"1 must be a string"),
        ({"LINT": []}, r'"LINT"\] must be a dictionary'),
        ({"LINT": {"ignored": []}}, r"Did you mean 'ignore'"),
        ({"LINT": {"names": "["}}, r'"names"\] must be a regular expression'),
        ({"LINT": {"names": 1}}, r'"names"\] must be a regular expression'),
    ],
)
def test_what_cannot_be_meant_is_refused(raw, sentence, tmp_path):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        parse_config(raw, base_dir=tmp_path)


def some_queries():
    return {"newest": "shop.queries.newest"}


def test_queries_are_named_or_come_from_a_function(tmp_path):
    named = parse_config({"QUERIES": {"newest": "shop.queries.newest"}}, base_dir=tmp_path)
    made = parse_config({"QUERIES": f"{__name__}.some_queries"}, base_dir=tmp_path)

    assert named.queries == made.queries == {"newest": "shop.queries.newest"}
    with pytest.raises(ImproperlyConfigured, match=r'"QUERIES"\]: No module named'):
        parse_config({"QUERIES": "nowhere.queries"}, base_dir=tmp_path)
