import pytest
from django.core.management import CommandError, call_command
from django.urls import resolve

from truledgr.management.commands.run_demo import PAGES, banner


def test_the_banner_says_where_to_look_and_how_to_sign_in():
    text = banner(port=8001, sign_in="Username: demo_admin\n")

    assert "http://localhost:8001/admin/" in text
    assert "Username: demo_admin" in text


@pytest.mark.parametrize("path", PAGES.values())
def test_every_page_on_the_banner_exists(path):
    assert resolve(path)


def test_demo_data_is_not_served_when_debug_is_off(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="Unset DEBUG"):
        call_command("run_demo")
