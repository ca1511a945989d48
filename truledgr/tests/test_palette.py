"""The command palette of the admin: what it finds, and for whom."""

import re

import pytest

from authorization.tests.factories import RoleAssignmentFactory
from groups.tests.factories import GroupFactory
from items.tests.factories import ItemFactory
from truledgr import palette
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

URL = "/admin/palette/"


@pytest.fixture
def superuser(client):
    user = UserFactory(username="root", email="root@example.org", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def staff_with(client):
    def sign_in(*permissions):
        user = RoleAssignmentFactory(
            user__is_staff=True, user__username="staff", role__permissions=permissions
        ).user
        client.force_login(user)

    return sign_in


def found(client, term=""):
    """What a script is answered: labels with addresses, by kind."""
    response = client.get(URL, {"q": term}, headers={"Accept": "application/json"})
    assert response.status_code == 200
    return {
        kind["title"]: {each["label"]: each["url"] for each in kind["results"]}
        for kind in response.json()["kinds"]
    }


def test_without_a_word_it_offers_pages_and_actions(client, superuser):
    kinds = found(client)

    assert kinds.keys() == {"Pages", "Actions"}
    assert kinds["Pages"]["Users"] == "/admin/users/user/"
    assert kinds["Pages"]["Analytics of sessions"] == "/admin/analytics/sessions/"
    assert kinds["Pages"]["Database schema"] == "/admin/schematools/databaseschema/"
    assert kinds["Pages"]["My sessions"] == "/accounts/sessions/"
    assert kinds["Actions"]["Add item"] == "/admin/items/item/add/"
    assert {"Import items", "End everybody's sessions", "Sign out"} <= kinds["Actions"].keys()


def test_every_page_and_action_opens(client, superuser):
    kinds = found(client)
    urls = {url for results in kinds.values() for url in results.values()} - {"/admin/logout/"}

    refused = {url: client.get(url).status_code for url in urls}

    # A page of the account may ask for the password first.
    assert not {url: status for url, status in refused.items() if status not in {200, 302}}


def test_signing_out_is_sent_by_a_form(client, superuser):
    response = client.get(URL, {"q": "sign out"}, headers={"Accept": "application/json"})

    ((result,),) = [kind["results"] for kind in response.json()["kinds"]]
    assert (result["url"], result["method"]) == ("/admin/logout/", "post")


@pytest.mark.parametrize(
    ("term", "label"),
    [("SESSION ana", "Analytics of sessions"), ("why", "Why may somebody do this?")],
)
def test_pages_are_found_by_parts_of_their_words(client, superuser, term, label):
    assert label in found(client, term)["Pages"]


def test_what_begins_with_the_word_comes_first(client, superuser):
    assert next(iter(found(client, "ses")["Pages"])).startswith("Ses")


# --- Rows -------------------------------------------------------------------------------------


def test_people_are_found_by_the_start_of_username_or_address(client, superuser):
    anna = UserFactory(username="Anna", email="zoe@example.org")
    zora = UserFactory(username="zora", email="bob@example.org")
    UserFactory(username="hanna", email="hanna@example.org")
    UserFactory(username="annika", email="gone@example.org").delete()

    assert found(client, "ann")["Users"] == {"Anna": f"/admin/users/user/{anna.pk}/change/"}
    assert found(client, "ZO")["Users"].keys() == {"Anna", "zora"}
    assert found(client, "bob@exa")["Users"].keys() == {zora.username}


def test_groups_and_items_are_found_by_their_names(client, superuser):
    group = GroupFactory(name="Rowing club", slug="boats", owner=superuser, created_by=superuser)
    item = ItemFactory(name="Blue rowing boat", owner=superuser)
    past = GroupFactory(name="Rowing past", slug="past", owner=superuser, created_by=superuser)
    past.delete()

    kinds = found(client, "Rowing")

    assert kinds["Groups"] == {"Rowing club": f"/admin/groups/group/{group.pk}/change/"}
    assert kinds["Items"] == {"Blue rowing boat": f"/admin/items/item/{item.pk}/change/"}
    assert found(client, "BOA")["Groups"].keys() == {"Rowing club"}


def test_so_many_rows_of_a_kind_and_no_more(client, superuser):
    for number in range(palette.MOST + 3):
        UserFactory(username=f"many{number:02}", email=f"many{number:02}@example.org")

    assert list(found(client, "many")["Users"]) == [f"many{n:02}" for n in range(palette.MOST)]


@pytest.mark.parametrize("term", ["a", " ", "\0", "%", "__", "ann\0", "x" * 500, "'; --", "œ"])
def test_odd_words_find_nobody(client, superuser, term):
    UserFactory(username="bert", email="bert@example.org")

    assert "Users" not in found(client, term)


@pytest.mark.parametrize(
    ("permission", "kind"),
    [("users.view_user", "Users"), ("groups.view_group", "Groups"), ("items.view_item", "Items")],
)
def test_rows_are_shown_to_whom_may_see_their_kind(client, staff_with, permission, kind):
    owner = UserFactory(username="rowan")
    GroupFactory(name="Rowan", slug="rowan", owner=owner, created_by=owner)
    ItemFactory(name="Rowan", owner=owner)
    staff_with(permission)

    assert found(client, "rowan").keys() == {kind}


def test_others_find_neither_pages_nor_actions(client, staff_with):
    staff_with("users.view_usersession")

    kinds = found(client)

    assert "Sessions" in kinds["Pages"]
    assert "Users" not in kinds["Pages"]
    assert kinds["Actions"].keys() == {"Sign out"}


def test_it_costs_a_fixed_number_of_queries(client, superuser, django_assert_num_queries):
    for number in range(3):
        person = UserFactory(username=f"row{number}", email=f"row{number}@example.org")
        GroupFactory(name=f"Row {number}", slug=f"row-{number}", owner=person, created_by=person)
        ItemFactory(name="Row", owner=person)

    # 1. the session with its user  2. usernames  3. addresses  4. names and 5. slugs of groups
    # 6. items
    with django_assert_num_queries(6):
        assert len(found(client, "row")) == 3


# --- Without a script -------------------------------------------------------------------------


def test_without_a_script_the_same_is_a_page(client, superuser):
    UserFactory(username="anna", email="anna@example.org")

    response = client.get(URL, {"q": "ann"})

    page = response.content.decode()
    assert "Accept" in response["Vary"]
    assert "anna@example.org" in page
    assert 'value="ann"' in page
    assert "Nothing here is called that" in client.get(URL, {"q": "qqq"}).content.decode()


def test_what_is_typed_is_escaped(client, superuser):
    page = client.get(URL, {"q": '"><script>'}).content.decode()

    assert '"><script>' not in page


def test_every_page_of_the_admin_has_the_button_and_nothing_inline(client, superuser):
    page = client.get("/admin/users/user/").content.decode()

    assert f'href="{URL}"' in page
    assert 'role="combobox"' in page
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*json)", page)
    assert not re.search(r"\son\w+=", page)


def test_a_popup_has_no_palette(client, superuser):
    assert 'id="tl-palette"' not in client.get("/admin/items/item/add/?_popup=1").content.decode()


def test_others_are_sent_to_sign_in(client):
    client.force_login(UserFactory())

    assert client.get(URL).status_code == 302
