"""The audit trail in the admin, what changed as people read it, and previews of deletes."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from core import audit
from core.admin_changes import NOTHING, changes_of, value_of
from core.admin_json import JSONObjectField, TextListField
from core.context import Via, acting
from core.deletion_preview import preview_deletion
from core.models import AuditEvent


@pytest.fixture
def staff(client, db):
    user = get_user_model().objects.create_superuser("root", "root@example.org")
    client.force_login(user)
    return user


def make_user(name, **fields):
    return get_user_model().objects.create_user(name, f"{name}@example.org", **fields)


# --- What changed, as people read it --------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        (None, None, NOTHING),
        ("", None, NOTHING),
        ("[]", models.JSONField(), NOTHING),
        ('["final","board"]', models.JSONField(), "final, board"),
        (True, models.BooleanField(), "yes"),
        (False, models.BooleanField(), "no"),
        (0, models.IntegerField(), "0"),
        ("2026-01-31T08:00:00.000000Z", models.DateTimeField(), "2026-01-31 08:00:00 UTC"),
        ("not a moment", models.DateTimeField(), "not a moment"),
        ("a", models.CharField(choices=[("a", "First")]), "First"),
        ("gone", models.CharField(choices=[("a", "First")]), "gone"),
        ("{broken", models.JSONField(), "{broken"),
    ],
)
def test_a_value_reads_as_text(value, field, text):
    assert value_of(value, field).text == text


def test_an_object_reads_as_indented_lines():
    value = value_of('{"by":{"name":"Amira"}}', models.JSONField())

    assert value.is_block
    assert value.text.splitlines() == ["{", '  "by": {', '    "name": "Amira"', "  }", "}"]


def test_changes_come_in_the_order_of_the_fields_and_skip_what_stayed_empty():
    event = AuditEvent(
        app="users",
        model="user",
        changes={"is_active": [True, False], "first_name": [None, ""], "email": ["a@b.c", "d@e.f"]},
    )

    found = [(c.label, c.before.text, c.after.text) for c in changes_of(event)]

    assert found == [("email", "a@b.c", "d@e.f"), ("is active", "yes", "no")]


@pytest.mark.parametrize(
    ("app", "model", "changes"),
    [
        ("gone", "thing", {"name": ["a", "b"]}),
        ("users", "user", {"no_such_field": ["a", "b"]}),
        ("users", "user", {"email": "not a pair"}),
        ("users", "user", {"email": [1, 2, 3]}),
    ],
)
def test_changes_of_a_kind_that_nobody_foresaw_are_shown_all_the_same(app, model, changes):
    event = AuditEvent(app=app, model=model, changes=changes)

    assert len(changes_of(event)) == 1


# --- The trail ------------------------------------------------------------------------------


def test_the_trail_shows_before_and_after_and_never_raw_json(client, staff):
    user = make_user("anna")
    user.first_name, user.last_name = "Anna", "<script>alert(1)</script>"
    audit.save(user)
    event = AuditEvent.objects.latest("id")

    body = client.get(reverse("admin:core_auditevent_change", args=[event.pk])).content.decode()

    assert '<th scope="row">first name</th>' in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>alert(1)" not in body
    assert "{&#x27;" not in body
    assert reverse("admin:users_user_change", args=[user.pk]) in body


def test_the_trail_finds_an_object_by_its_id_and_an_actor_by_name(client, staff):
    anna, bert = make_user("anna"), make_user("bert")
    with acting(via=Via.COMMAND, actor=anna):
        bert.first_name = "Bert"
        audit.save(bert)
    address = reverse("admin:core_auditevent_changelist")

    by_object = client.get(address, {"q": str(bert.pk)}).context["cl"].result_list
    by_actor = client.get(address, {"q": "anna"}).context["cl"].result_list

    assert {event.object_id for event in by_object} == {str(bert.pk)}
    assert [(e.action, e.object_label) for e in by_actor] == [("update", "bert")]


def test_the_event_of_somebody_who_is_gone_for_good_still_opens(client, staff):
    anna = make_user("anna")
    with acting(via=Via.COMMAND, actor=anna):
        make_user("bert")
    anna.hard_delete()
    event = AuditEvent.objects.filter(actor_label="anna").latest("id")

    response = client.get(reverse("admin:core_auditevent_change", args=[event.pk]))

    assert response.status_code == 200
    assert "anna" in response.content.decode()


def test_history_is_the_audit_trail_of_the_object_newest_first(
    client, staff, django_assert_num_queries
):
    anna = make_user("anna")
    make_user("bert")
    for name in ("An", "Ann", "Anne"):
        anna.first_name = name
        audit.save(anna)

    address = reverse("admin:users_user_history", args=[anna.pk])
    # 1. session with user  2. the object  3. the count  4. the events
    with django_assert_num_queries(4):
        response = client.get(address)

    entries = response.context["entries"]
    assert [event.action for event, _changes in entries] == ["update"] * 3 + ["create"]
    assert entries[0][1][0].after.text == "Anne"
    assert {event.object_id for event, _changes in entries} == {str(anna.pk)}


def test_history_goes_over_several_pages(client, staff, monkeypatch):
    monkeypatch.setattr(type(admin.site._registry[get_user_model()]), "list_per_page", 2)
    anna = make_user("anna")
    for name in ("An", "Ann", "Anne"):
        anna.first_name = name
        audit.save(anna)

    second = client.get(reverse("admin:users_user_history", args=[anna.pk]), {"p": 2})

    assert [event.action for event, _changes in second.context["entries"]] == ["update", "create"]


# --- Previews of deletes --------------------------------------------------------------------


@pytest.mark.django_db
def test_a_preview_counts_and_writes_nothing():
    anna = make_user("anna")
    before = AuditEvent.objects.count()

    preview = preview_deletion(get_user_model().objects.filter(pk=anna.pk))

    assert preview.taken == {get_user_model(): 1}
    assert preview.blockers == []
    anna.refresh_from_db()
    assert not anna.is_deleted
    assert AuditEvent.objects.count() == before


# --- JSON in forms --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", []), ("a\n\n  b \r\na", ["a", "b"]), ("ä, ö", ["ä, ö"])],
)
def test_a_list_of_texts_is_edited_one_a_line(text, expected):
    assert TextListField(required=False).clean(text) == expected


@pytest.mark.parametrize("text", ["x" * 51, "\n".join(map(str, range(21))), "a\0b"])
def test_a_list_of_texts_is_bounded(text):
    with pytest.raises(ValidationError):
        TextListField(required=False).clean(text)


@pytest.mark.parametrize("text", ["", "{}", '{"a": [1, null]}'])
def test_a_json_object_is_accepted(text):
    assert isinstance(JSONObjectField(required=False).clean(text), dict)


@pytest.mark.parametrize(
    "text",
    ["[]", "1", '"a"', "{", '{"a": "' + "x" * 70_000 + '"}', '{"a": "\\u0000"}', '{"a": 1e999}'],
)
def test_what_is_no_json_object_of_a_sane_size_is_refused(text):
    with pytest.raises(ValidationError):
        JSONObjectField(required=False).clean(text)


@pytest.mark.parametrize("depth", [33, 500, 50_000])
def test_deeply_nested_json_is_refused_and_not_a_crash(depth):
    with pytest.raises(ValidationError):
        JSONObjectField(required=False).clean('{"a":' * depth + "1" + "}" * depth)
