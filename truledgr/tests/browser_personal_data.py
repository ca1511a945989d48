"""Downloads what is kept about somebody and asks for the end of the account, in Chromium."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from authentication.tests.people import PASSWORD, make_user
from groups.tests.factories import GroupFactory, MembershipFactory
from truledgr.tests.browser import LOOKS, Person, clock_of_apps, launched
from users.models import User

browser = pytest.fixture(launched)
clock = pytest.fixture(clock_of_apps)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_person_takes_their_data_and_leaves(browser, live_server, clock, look):
    user = make_user(username="ann", first_name="Ann")
    group = GroupFactory(owner=user, name="Rowing club")
    MembershipFactory(group=group)
    ann = Person(browser, live_server.url, clock, **look)
    assert ann.open("/privacy/") == 200
    sign_in(ann)

    step_up(ann)
    assert profile_in(download(ann))["username"] == "ann"
    assert "Rowing club" in ann.page.locator(".errorlist").inner_text()
    group.memberships.all().delete()
    ann.open("/accounts/data/")
    ann.fill(username="anne")
    ann.press("Delete my account")
    assert "not your username" in ann.page.locator(".messages").inner_text()
    ann.fill(username="ann")
    ann.press("Delete my account")
    assert "will be deleted on" in ann.page.locator(".messages").inner_text()
    assert User.objects.get(username="ann").deletion_due_at
    ann.open("/accounts/sessions/")
    assert "is deleted on" in ann.page.locator(".note").inner_text()
    ann.follow("Keep it")
    ann.press("Keep my account")

    assert User.objects.get(username="ann").deletion_due_at is None
    assert ann.page.locator(".note").count() == 0
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= look["viewport"]["width"]
    assert ann.complaints == []


def sign_in(ann):
    ann.open("/accounts/login/")
    ann.fill(login="ann", password=PASSWORD)
    ann.press("Sign in")


def step_up(ann):
    ann.open("/accounts/data/")
    if ann.page.get_by_role("link", name="Change something").count():
        ann.follow("Change something")
        ann.fill(password=PASSWORD)
        ann.press("Continue")
    assert ann.heading() == "Your data"


def download(ann):
    with ann.page.expect_download() as waiting:
        ann.page.get_by_role("button", name="Download your data").click()
    assert waiting.value.suggested_filename.startswith("truledgr-export-ann-")
    return Path(waiting.value.path()).read_bytes()


def profile_in(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        [profile] = json.loads(archive.read("profile.json"))
    return profile
