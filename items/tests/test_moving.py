import pytest

from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services.moving import move_item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

TAKE, ADD, VIEW = "items.delete_item", "items.add_item", "items.view_item"
WHATEVER = {"If-Match": "*"}


@pytest.fixture
def actor():
    return UserFactory()


def group_of(user, *permissions):
    return MembershipFactory(user=user, role__permissions=permissions).group


def url_of(item):
    return f"/api/v1/items/{item.pk}/move"


def holder_of(item):
    item.refresh_from_db()
    return item.owner or item.group


def test_it_goes_from_person_to_group_to_group_and_back(actor):
    item = ItemFactory(owner=actor)
    one, other = (group_of(actor, ADD, TAKE) for _ in range(2))

    moved = move_item(actor=actor, item=item, group=one, version=1)
    assert (moved.owner, moved.group, moved.version, holder_of(item)) == (None, one, 2, one)
    move_item(actor=actor, item=moved, group=other)
    assert holder_of(item) == other
    back = move_item(actor=actor, item=item, owner=actor)

    assert (holder_of(item), back.group, back.version) == (actor, None, 4)


def test_both_sides_have_it_in_their_trail(actor):
    one, other = (group_of(actor, ADD, TAKE) for _ in range(2))
    item = ItemFactory(owner=None, group=one)

    move_item(actor=actor, item=item, group=other)

    out, moved = AuditEvent.objects.filter(model="item").order_by("id")
    pair = [str(one.pk), str(other.pk)]
    assert (out.action, out.group_id, out.changes) == ("move_out", one.pk, {"group": pair})
    assert (moved.action, moved.group_id) == ("move", other.pk)
    assert moved.changes == {"group": pair, "version": [1, 2]}
    assert {out.actor_id, moved.actor_id} == {actor.pk}
    assert {out.object_id, moved.object_id} == {str(item.pk)}


def test_where_it_is_already_it_stays(actor):
    item = ItemFactory(owner=actor)

    assert move_item(actor=actor, item=item, owner=actor).version == 1
    assert not AuditEvent.objects.filter(model="item").exists()


def test_it_takes_the_right_to_take_it_away_and_to_add_it(actor):
    mine = ItemFactory(owner=actor)
    locked = ItemFactory(owner=None, group=group_of(actor, VIEW, ADD, "items.change_item"))
    closed = group_of(actor, VIEW, TAKE, "items.change_item")

    for item, target in [
        (mine, {"group": closed}),
        (mine, {"group": GroupFactory()}),
        (mine, {"owner": UserFactory()}),
        (locked, {"owner": actor}),
        (ItemFactory(), {"owner": actor}),
    ]:
        with pytest.raises(NotAllowedError):
            move_item(actor=actor, item=item, **target)
        assert holder_of(item) not in target.values()
    for target in ({}, {"owner": actor, "group": closed}):
        with pytest.raises(DomainError, match="person or to a group"):
            move_item(actor=actor, item=mine, **target)


def test_an_archived_a_deleted_and_a_changed_one_are_refused(actor):
    item = ItemFactory(owner=actor)
    archived, deleted, group = (
        GroupFactory(owner=actor, is_active=number > 0) for number in range(3)
    )
    Group.objects.filter(pk=deleted.pk).delete()

    for refusing, message in [(archived, "archived"), (deleted, "deleted")]:
        with pytest.raises(ConflictError, match=message):
            move_item(actor=actor, item=item, group=refusing)
    with pytest.raises(StaleVersionError):
        move_item(actor=actor, item=item, group=group, version=7)
    item.delete()
    with pytest.raises(ConflictError, match="deleted"):
        move_item(actor=actor, item=item, group=group)


def test_over_http_it_answers_the_item_with_its_new_etag(api_of, actor):
    item, group = ItemFactory(owner=actor), GroupFactory(owner=actor)
    client = api_of(actor)

    there = client.post(
        url_of(item), {"owner": {"group": str(group.pk)}}, headers={"If-Match": '"1"'}
    )
    late = client.post(url_of(item), {"owner": "me"}, headers={"If-Match": '"1"'})
    back = client.post(url_of(item), {"owner": "me"}, headers={"If-Match": there["ETag"]})

    assert (there.status_code, there["ETag"]) == (200, '"2"')
    assert (there.json()["owner"], there.json()["group"]) == (None, str(group.pk))
    assert (late.status_code, back.status_code, back.json()["version"]) == (412, 200, 3)


@pytest.mark.parametrize(
    "owner",
    [
        None, "", "you", 1, True, [], {}, {"group": None}, {"group": 7}, {"group": "x"},
        {"group": []}, {"user": "x"}, {"group": "01890000-0000-7000-8000-000000000000"},
        {"group": "01890000-0000-7000-8000-000000000000", "user": 1},
    ],
)  # fmt: skip
def test_a_target_that_is_none_is_named(api_of, actor, owner):
    item = ItemFactory(owner=actor)

    response = api_of(actor).post(url_of(item), {"owner": owner}, headers=WHATEVER)

    assert response.status_code == 400
    assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {"owner"}


def test_a_group_that_is_hidden_is_as_good_as_not_there(api_of, actor):
    item = ItemFactory(owner=actor)
    client = api_of(actor)
    gone = GroupFactory()

    answers = [
        client.post(url_of(item), {"owner": {"group": str(key)}}, headers=WHATEVER)
        for key in (gone.pk, "01890000-0000-7000-8000-000000000000")
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert {a.json()["errors"][0]["code"] for a in answers} == {"does_not_exist"}


def test_the_scopes_of_a_token_must_hold_both_rights(api_of, actor):
    item = ItemFactory(owner=actor)
    target = {"owner": {"group": str(GroupFactory(owner=actor).pk)}}

    for scopes, status in [([TAKE], 403), ([ADD], 403), ([TAKE, ADD], 200)]:
        client = api_of(actor, scopes=scopes)
        assert client.post(url_of(item), target, headers=WHATEVER).status_code == status


@pytest.mark.django_db(transaction=True)
def test_no_item_is_left_in_a_group_that_is_deleted_meanwhile():
    actor = UserFactory(is_superuser=True)
    one, other = GroupFactory(owner=actor), GroupFactory(owner=actor)
    items = [ItemFactory(owner=None, group=one) for _ in range(3)]

    outcomes = at_once(
        *(
            lambda item=item: move_item(actor=User.objects.get(pk=actor.pk), item=item, group=other)
            for item in items
        ),
        lambda: Group.objects.filter(pk=other.pk).delete(),
        lambda: Group.objects.filter(pk=one.pk).delete(),
    )

    assert not [
        o for o in outcomes if isinstance(o, Exception) and not isinstance(o, ConflictError)
    ]
    assert not Item.objects.alive().exists()
