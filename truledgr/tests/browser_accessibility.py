"""Looks at every page with axe-core, wide and narrow, light and dark: ``make test-browser``.

The pages are those of the access matrix, which knows every address that there is, and what comes
of using them. A template of ours that none of it renders fails the test.
"""

import pytest
from allauth.core.ratelimit import respond_429
from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.urls import path

from authentication.tests.issuer import Issuer
from authentication.tests.not_me import link_to
from authentication.tests.oauth import set_up, sign_in
from authentication.tests.people import make_user
from groups.tests.inviting import invited
from items.tests.factories import ItemFactory
from truledgr import urls
from truledgr.tests.browser import clock_of_apps, launched
from truledgr.tests.browser_sign_in import enrol, reset_password, sign_up
from truledgr.tests.journey import FIRST
from truledgr.tests.matrix.world import World
from truledgr.tests.test_admin_everywhere import MODELS, url
from truledgr.tests.visits import addresses, root_with_everything
from truledgr.tests.walking import Walk, own_templates, templates_rendered
from users.models import User

# Templates of ours that are no page of a browser.
NO_PAGES = {
    "api_page.html": "the browsable API, which is for development only",
    # Parts that allauth's own pages are made of, and none of ours.
    "allauth/elements/alert.html": "a note",
    "allauth/elements/badge.html": "a word beside a name",
    "allauth/elements/button.html": "a button",
    "allauth/elements/field.html": "a box to tick",
    "allauth/elements/form.html": "a form",
}
FAILURES = {
    400: SuspiciousOperation, 403: PermissionDenied, 500: RuntimeError, 503: OperationalError,
}  # fmt: skip

browser = pytest.fixture(launched)
clock = pytest.fixture(clock_of_apps)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


def fail(request, status):
    raise FAILURES[status]("on purpose")


# This module is a URL configuration, too: the project's, and addresses that fail.
urlpatterns = [path("failing/<int:status>/", fail), path("failing/429/", respond_429)]
urlpatterns = [*reversed(urlpatterns), *urls.urlpatterns]
handler400, handler403, handler500 = urls.handler400, urls.handler403, urls.handler500


@pytest.fixture
def walk(browser, live_server, clock, settings):
    settings.STEP_UP_SECONDS = 3600  # where the machine is slow, a walk takes more than ten minutes
    return Walk(browser, live_server.url, clock)


def test_every_page_of_the_admin_is_for_everybody(walk):
    root = root_with_everything()
    walk.enter(root.client())

    with templates_rendered() as rendered:
        for model in MODELS:
            walk.open(url(model, "changelist"))  # of most there is nothing yet
        world = World()
        for address in addresses("admin", world):
            walk.open(address)
        for model in MODELS:
            walk.open(f"{url(model, 'changelist')}?q=nothing-is-called-like-this")
        for address in more_pages_of_the_admin(world, root):
            walk.open(address)
        walk.open(url(type(world.event), "add"), status=403)
        walk.open("/admin/nowhere/", status=404)

    assert not walk.faults, walk.report()
    assert of_the_admin(own_templates()) - rendered == SEEN_IN_USE


# The confirmations and messages that follow from pressing something, which the next test does.
SEEN_IN_USE = {
    "admin/authorization/roleassignment/set_end.html",
    "admin/soft_delete/delete_selected_confirmation.html",
    "admin/soft_delete/undo.html",
}


def of_the_admin(templates):
    return {name for name in templates if name.startswith("admin/")}


def more_pages_of_the_admin(world, root):
    """What an address alone does not show: with a query, of what is deleted, in a popup."""
    gone = ItemFactory()
    key = gone.pk
    gone.delete()
    gone.hard_delete()
    explain = "/admin/auth/permission/explain/?permission=items.view_item"
    return [
        explain,
        f"{explain}&user={root.user.pk}",
        f"{explain}&user={world.users['stranger'].pk}",
        url(type(world.item), "change", world.deleted_item.pk),
        url(type(world.item), "history", world.deleted_item.pk),
        url(type(world.item), "history", key),
        f"{url(User, 'changelist')}?state=deleted",
        f"{url(User, 'add')}?_popup=1",
        "/admin/analytics/sessions/?group_by=month",
        f"/admin/authorization/role/{world.role.pk}/compare/?with={world.other_role.pk}",
    ]


def test_every_action_and_every_refused_form_is_for_everybody(walk, rf):
    root = root_with_everything()
    request = rf.get("/")
    request.user = root.user
    walk.enter(root.client())
    world = World()

    with templates_rendered() as rendered:
        for model in world.rows:
            for action in actions_of(walk, model):
                act(walk, model, action)
            if admin.site.get_model_admin(model).has_add_permission(request):
                send_nothing(walk, model)

    assert not walk.faults, walk.report()
    assert rendered >= SEEN_IN_USE


def actions_of(walk, model):
    """The names of what can be done to chosen rows, without what answers a file."""
    walk.page.goto(walk.base + url(model, "changelist"))
    options = walk.page.locator("select[name=action] option").all()
    names = [option.get_attribute("value") for option in options]
    return [name for name in names if name and not name.startswith("export_")]


def act(walk, model, action):
    walk.page.goto(walk.base + url(model, "changelist"))
    if not walk.page.locator("input.action-select").count():
        return
    walk.page.locator("input.action-select").last.check()
    walk.page.locator("select[name=action]").select_option(action)
    walk.page.get_by_title("Run the selected action").click()
    walk.page.wait_for_load_state()
    walk.shoot()
    if action == "delete_selected" and walk.page.locator("input[name=post]").count():
        walk.page.locator("#content form input[type=submit]").click()
        walk.page.wait_for_load_state()
        walk.shoot()


def send_nothing(walk, model):
    walk.page.goto(walk.base + url(model, "add"))
    walk.page.locator("input[name=_save]").click()
    walk.page.wait_for_load_state()
    walk.shoot()


def test_every_page_of_an_account_is_for_everybody(walk, settings, client):
    invitation, token = invited()
    settings.STAFF_SECOND_FACTOR_REQUIRED = True

    with templates_rendered() as rendered:
        come_in(walk, settings)
        open_links_of_mails(walk, invitation, token)
        look_at_providers(walk, settings, client)
        walk_about(walk, client)
        fail_in_every_way(walk)

    assert not walk.faults, walk.report()
    ours = own_templates() - of_the_admin(own_templates())
    assert ours - rendered == NO_PAGES.keys(), sorted(ours - rendered)


def come_in(walk, settings):
    """Sign up, enrol, go wrong, get in again."""
    walk.open("/accounts/login/")
    walk.fill(login="nobody", password="wrong")
    walk.press("Sign in")
    walk.open("/accounts/signup/")
    walk.fill(email="ann@browser.example", username="no such name!", password1="a", password2="b")
    walk.press("Sign up")
    settings.SIGNUP_OPEN = False
    walk.open("/accounts/signup/", status=403)
    settings.SIGNUP_OPEN = True
    sign_up(walk)
    secret, _codes = enrol(walk)
    walk.sign_out()
    walk.open("/accounts/login/")
    walk.fill(login="ann", password=FIRST)
    walk.press("Sign in")
    walk.fill(code="000000")
    walk.press("Continue")
    walk.press("Cancel")
    reset_password(walk)
    for address in ("done", "key/done", "key/1-nonsense"):
        walk.open(f"/accounts/password/reset/{address}/")
    return secret


def open_links_of_mails(walk, invitation, token):
    walk.open(f"/accounts/invitations/{token}/")
    walk.press("Decline")
    walk.open("/accounts/invitations/unknown/", status=404)
    link = link_to(invitation.invited_by, "password_changed")
    walk.open(link)
    walk.press("Confirm: this was not me")
    walk.open(link)
    walk.open("/accounts/not-me/unknown/", status=404)


def look_at_providers(walk, settings, client):
    with Issuer() as issuer:
        set_up(settings, corp=issuer)
        walk.open("/accounts/login/")
        walk.open("/accounts/oidc/corp/login/")
        issuer.person = {"sub": "7"}  # without an address a form is left to fill in
        sign_in(client)
        walk.enter(client)
        walk.open("/accounts/3rdparty/signup/")
        walk.press("Sign up")
        walk.context.clear_cookies()


def walk_about(walk, client):
    """Every page of an account that has everything; then of one that somebody else acts as."""
    root = root_with_everything()
    walk.enter(root.client())
    world = World()
    for address in addresses("pages", world):
        walk.open(address)
    walk.open("/accounts/3rdparty/login/error/", status=401)
    walk.open("/accounts/tokens/")
    walk.fill(name="Laptop")
    walk.press("Make it")
    walk.open(f"/admin/users/user/{world.users['stranger'].pk}/impersonate/")
    walk.fill(reason="To see what they see")
    walk.press("Act as stranger")
    walk.open("/accounts/password/change/", status=403)
    walk.open("/accounts/sessions/")
    walk.press("Stop")
    walk.context.clear_cookies()
    client.force_login(make_user(username="without", password=""))
    walk.enter(client)
    walk.open("/accounts/password/set/")
    walk.open("/accounts/tokens/")  # without a step-up
    walk.enter(root.client())
    walk.open("/admin/")
    walk.press("Log out")


def fail_in_every_way(walk):
    cache.clear()
    for status in (*FAILURES, 429):
        walk.open(f"/failing/{status}/", status=status)
    walk.open("/nowhere/", status=404)
    walk.context.clear_cookies()
    walk.open("/accounts/login/")
    walk.context.clear_cookies()
    walk.fill(login="ann", password=FIRST)
    walk.expected = 403
    walk.press("Sign in")  # the form is out of date
