"""The admin's page that says who may do what, and why."""

import pytest
from django.urls import reverse

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory
from groups.tests.factories import MembershipFactory
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

VIEW, ASSIGNMENTS = "items.view_item", "authorization.view_roleassignment"
LINK = "Why may somebody do this?"


@pytest.fixture
def page():
    return reverse("admin:authorization_explain")


@pytest.fixture
def choices():
    return reverse("admin:authorization_explain_choices")


@pytest.fixture
def root(client):
    client.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff(client):
    """Staff who may ask, and see neither users nor items."""
    role = {"role__permissions": [ASSIGNMENTS], "user__is_staff": True}
    client.force_login(RoleAssignmentFactory(**role).user)
    return client


@pytest.fixture
def item():
    membership = MembershipFactory(
        role__permissions=[VIEW], user__username="ann", group__name="Works"
    )
    return ItemFactory(owner=None, group=membership.group, name="Crane")


def text_of(response):
    assert response.status_code == 200
    body = response.content.decode()
    assert "<style" not in body
    assert " style=" not in body
    assert "onclick" not in body
    return " ".join(body.split())


def test_it_says_why_and_why_not(root, page, item):
    obj = f"items.item:{item.pk}"
    key = str(item.group.memberships.get().user_id)

    allowed = text_of(root.get(page, {"user": key, "permission": VIEW, "object": obj}))
    denied = text_of(root.get(page, {"user": "ann", "permission": "items.add_item"}))

    assert "tl-allowed" in allowed
    assert "Is a member of the group Works with the role" in allowed
    assert ">ann — ann@example.org</option>" in allowed
    assert ">item Crane</option>" in allowed
    assert "tl-denied" in denied
    assert "ann holds no role everywhere that grants it." in denied
    assert reverse("admin:authorization_role_change", args=[Role.objects.get(slug="staff").pk]) in (
        denied
    )


def test_without_a_user_it_lists_everybody_who_may_in_pages(root, page, item, monkeypatch):
    monkeypatch.setattr("authorization.admin.explaining.PAGE_SIZE", 2)
    asked = {"permission": VIEW, "object": f"items.item:{item.pk}"}

    first = root.get(page, asked)
    second = root.get(first.context["next_url"])

    names = [str(user) for user, *_rest in first.context["holders"] + second.context["holders"]]
    assert set(names) == {"ann", "root", item.group.owner.username}
    assert len(names) == 3
    assert second.context["next_url"] == ""
    assert "Owns the group Works" in text_of(first) + text_of(second)
    last = {**asked, "after": "00000000-0000-7000-8000-000000000000"}
    assert "That is all." in text_of(root.get(page, last))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"permission": "items.view_itm"}, "Did you mean items.view_item"),
        ({"permission": VIEW, "object": "items.itm:1"}, "Did you mean items.item?"),
        ({"permission": VIEW, "user": "nobody"}, "There is no user called"),
        ({"permission": VIEW, "user": "a\0"}, "Null characters"),
        ({"object": "items.item:1"}, "This field is required."),
        ({"permission": VIEW, "after": "x"}, "Who may do"),
        ({"user": "nobody"}, "Choose a permission"),
        ({}, "Choose a permission"),
    ],
)
def test_what_cannot_be_answered_says_why(root, page, asked, said):
    assert said in text_of(root.get(page, asked))


def test_the_pickers_find_what_is_typed(root, choices, item):
    def found(field, term):
        results = root.get(choices, {"field_name": field, "term": term}).json()["results"]
        return [
            child["id"] for group in results for child in group.get("children", [group]) if child
        ]

    assert found("user", "an") == [str(item.group.memberships.get().user_id)]
    assert found("permission", "view item") == [VIEW]
    assert found("permission", "item") == [
        "items.view_item", "items.add_item", "items.change_item", "items.delete_item",
    ]  # fmt: skip
    assert found("object", "Crane") == [f"items.item:{item.pk}"]
    assert f"groups.group:{item.group_id}" in found("object", "Works")
    assert found("object", "\0zzz") == []
    assert root.get(choices, {"field_name": "surprise"}).status_code == 403


def test_staff_are_shown_no_more_than_they_may_see(staff, page, choices, item):
    asked = {"permission": VIEW, "object": f"items.item:{item.pk}"}
    assert "You may not look at objects of this kind." in text_of(staff.get(page, asked))

    for field in ("user", "object"):
        assert staff.get(choices, {"field_name": field, "term": "Crane"}).json()["results"] == []
    assert staff.get(choices, {"field_name": "permission", "term": ""}).json()["results"]
    named = text_of(staff.get(page, {"permission": VIEW, "user": "ann"}))
    assert "ann@example.org" not in named


def test_it_is_for_staff_who_may_look_at_role_assignments(client, page, choices):
    for person in (
        UserFactory(is_staff=True),
        RoleAssignmentFactory(role__permissions=["users.view_user"], user__is_staff=True).user,
    ):
        client.force_login(person)
        assert client.get(page).status_code == 403
        assert client.get(choices).status_code == 403
        assert LINK not in client.get("/admin/").content.decode()
    assert client.post(page).status_code == 403


def test_the_index_the_roles_and_the_users_lead_to_it(root, page):
    user, role = UserFactory(), Role.objects.get(slug="auditor")
    permission = role.permissions.first()

    assert root.post(page).status_code == 405
    for address in ("/admin/", reverse("admin:app_list", args=["authorization"])):
        assert f'href="{page}"' in text_of(root.get(address))
    of_user = root.get(reverse("admin:users_user_change", args=[user.pk]))
    assert f'href="{page}?user={user.pk}"' in text_of(of_user)
    of_role = root.get(reverse("admin:authorization_role_change", args=[role.pk]))
    assert f'href="{page}"' in of_role.content.decode()
    of_permission = root.get(reverse("admin:auth_permission_change", args=[permission.pk]))
    assert f'href="{page}?permission=' in text_of(of_permission)
