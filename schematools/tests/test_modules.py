import sysconfig
from pathlib import Path

import pytest
from django.apps import AppConfig
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured

from schematools.config import ModuleConfig
from schematools.modules import build_modules, is_project_app


class FakeAppConfig(AppConfig):
    """Sells things.

    More.
    """

    def __init__(self, label, path="/project/app", models=True):
        self.label = label
        self.name = label
        self.verbose_name = f"the {label}"
        self.path = path
        self.fake_models = models

    def get_models(self, *args, **kwargs):
        return [ContentType] if self.fake_models else []


def test_an_app_of_the_project_with_tables_is_a_documented_module():
    (module,) = build_modules([FakeAppConfig("shop")])

    assert (module.name, module.title, module.purpose, module.apps, module.documented) == (
        "shop",
        "The shop",
        "Sells things.",
        ("shop",),
        True,
    )


@pytest.mark.parametrize(
    "app",
    [
        FakeAppConfig("a", path="/venv/lib/python3.11/site-packages/a"),
        FakeAppConfig("a", path="/usr/lib/python3/dist-packages/a"),
        FakeAppConfig("a", path=str(Path(sysconfig.get_path("stdlib")) / "a")),
        FakeAppConfig("a", models=False),
    ],
    ids=["installed", "from the distribution", "of Python", "without tables"],
)
def test_other_apps_are_only_referred_to(app):
    assert [module.documented for module in build_modules([app])] == [False]


def test_an_app_in_a_directory_named_like_the_interpreter_is_the_projects_own():
    assert is_project_app(FakeAppConfig("a", path="/home/me/python3.11/a"))


def test_named_modules_hold_their_apps_and_the_rest_follow():
    apps = [FakeAppConfig("a"), FakeAppConfig("b"), FakeAppConfig("c", path="/site-packages/c")]

    modules = build_modules(apps, [ModuleConfig("mail_box", ("c", "a"), purpose="Post.")])

    assert [(module.name, module.title, module.apps, module.purpose) for module in modules] == [
        ("b", "The b", ("b",), "Sells things."),
        ("mail_box", "Mail box", ("c", "a"), "Post."),
    ]
    assert all(module.documented for module in modules)


def test_a_module_of_an_app_that_is_not_installed_is_refused():
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'shop'"):
        build_modules([FakeAppConfig("shop")], [ModuleConfig("m", ("shpo",))])


def test_two_modules_whose_pages_would_collide_are_refused():
    with pytest.raises(ImproperlyConfigured, match="their pages would collide"):
        build_modules([FakeAppConfig("shop"), FakeAppConfig("b")], [ModuleConfig("Shop", ("b",))])
