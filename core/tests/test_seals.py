from contextlib import contextmanager
from io import StringIO
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from core import append_only, audit, seals
from core.models import AuditEvent
from core.seals import MerkleTree
from core.tests.parallel import at_once
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory


@contextmanager
def triggers_off():
    """What somebody does who owns the database."""
    # Not entered: SQLite's editor wants foreign keys off, which triggers do not need.
    editor = connection.schema_editor(atomic=False)
    append_only.remove(editor, "audit_events")
    yield AuditEvent.objects
    append_only.install(editor, "audit_events")


@pytest.fixture
def trail(db):
    """Ten sealed events and five that are not sealed yet; their ids, in order."""
    owner = UserFactory()
    for number in range(10):
        audit.save(Item(name=f"item {number}", owner=owner))
    seals.seal()
    for number in range(5):
        audit.save(Item(name=f"later {number}", owner=owner))
    return list(
        AuditEvent.objects.filter(action="create").order_by("id").values_list("id", flat=True)
    )


def test_an_untouched_trail_has_no_findings(trail):
    report = seals.verify()

    assert report.findings == []
    assert (report.seals, report.unsealed) == (1, 6)


def test_an_edit_names_its_row(trail):
    with triggers_off() as events:
        events.filter(pk=trail[3]).update(action="nothing")

    (finding, *_rest) = seals.verify().findings
    assert finding.startswith(f"event {trail[3]} ")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("occurred_at", "2020-01-01 00:00:00+00:00"),
        ("actor_id", "018f0000-0000-7000-8000-000000000000"),
        ("actor_label", "somebody else"),
        ("via", "web"),
        ("session_id", "018f0000-0000-7000-8000-000000000000"),
        ("request_id", "another"),
        ("client_ip", "192.0.2.1"),
        ("app", "other"),
        ("model", "other"),
        ("on_behalf_of_id", "018f0000-0000-7000-8000-000000000000"),
        ("on_behalf_of_label", "somebody else"),
        ("object_id", "other"),
        ("object_label", "other"),
        ("group_id", "018f0000-0000-7000-8000-000000000000"),
        ("changes", {"name": [None, "other"]}),
        ("changes", "not a mapping"),
    ],
)
def test_an_edit_of_any_column_shows_even_before_a_seal(trail, column, value):
    with triggers_off() as events:
        events.filter(pk=trail[-1]).update(**{column: value})

    assert [f for f in seals.verify().findings if f.startswith(f"event {trail[-1]} ")]


def test_a_row_rewritten_together_with_its_hash_breaks_the_seal(trail):
    with triggers_off() as events:
        row = events.get(pk=trail[3])
        events.filter(pk=row.pk).update(object_label="forged")
        (text,) = [text for pk, _hash, text, _name in seals._events() if pk == row.pk]
        events.filter(pk=row.pk).update(row_hash=seals.sha256(text.encode()).hexdigest())

    (finding,) = seals.verify().findings
    assert "rewritten" in finding


def test_a_removed_row_breaks_the_seal(trail):
    with triggers_off() as events:
        events.filter(pk=trail[3]).delete()

    (finding,) = seals.verify().findings
    assert "1 missing" in finding


def test_an_inserted_row_breaks_the_seal(trail):
    with triggers_off() as events:
        row = events.get(pk=trail[3])
        events.filter(pk=trail[4]).delete()
        row.pk = trail[4]
        row.save(force_insert=True)

    assert seals.verify().findings


def test_a_removed_seal_breaks_the_chain(trail):
    first_seal = AuditEvent.objects.get(action="seal")
    seals.seal()
    with triggers_off() as events:
        events.filter(pk=first_seal.pk).delete()

    assert any("one was removed" in finding for finding in seals.verify().findings)


def test_a_seal_that_was_made_unreadable_is_a_finding_not_a_crash(trail):
    with triggers_off() as events:
        events.filter(action="seal").update(changes={"first_id": "x"})

    assert any("cannot be read" in finding for finding in seals.verify().findings)


def test_sealing_without_new_events_does_nothing(trail):
    seals.seal()

    assert seals.seal() is None
    assert AuditEvent.objects.filter(action="seal").count() == 2


def test_the_commands_seal_and_verify(trail):
    sealed, verified = StringIO(), StringIO()

    call_command("audit_seal", stdout=sealed)
    call_command("audit_verify", stdout=verified)

    assert "Seal hash: " in sealed.getvalue()
    assert "Seals: 2." in verified.getvalue()


def test_audit_verify_exits_1_and_names_the_row(trail):
    with triggers_off() as events:
        events.filter(pk=trail[3]).update(action="nothing")
    errors = StringIO()

    with pytest.raises(CommandError, match="tampered") as failure:
        call_command("audit_verify", stderr=errors)

    assert failure.value.returncode == 1
    assert f"event {trail[3]} " in errors.getvalue()


def test_audit_verify_notices_that_the_newest_seal_is_gone(trail):
    seal = AuditEvent.objects.get(action="seal")
    with triggers_off() as events:
        events.filter(pk__gte=seal.pk).delete()

    call_command("audit_verify", stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("audit_verify", expect=seal.row_hash, stderr=StringIO())


def test_the_merkle_root_depends_on_every_leaf_and_their_order():
    def root(*leaves):
        tree = MerkleTree()
        for leaf in leaves:
            tree.add(*leaf)
        return tree.root()

    rows = [(n, f"hash {n}") for n in range(1, 8)]
    roots = {root(*rows[:n]) for n in range(1, 8)} | {root(*reversed(rows)), root(*rows[1:])}

    assert len(roots) == 9


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_is_not_finished_is_left_to_the_next_seal():
    """Its id is dealt out, and lower than ids that are committed already."""
    if connection.vendor == "sqlite":
        # One writer at a time: ids are committed in the order in which they are dealt out.
        assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        return
    owner = UserFactory()
    wrote, may_finish = Event(), Event()

    def slow_writer():
        try:
            with transaction.atomic():
                audit.save(Item(name="slow", owner=owner))
                wrote.set()
                may_finish.wait(10)
        finally:
            connection.close()

    thread = Thread(target=slow_writer)
    thread.start()
    wrote.wait(10)
    audit.save(Item(name="fast", owner=owner))
    Thread(target=may_finish.set).start()
    made = seals.seal()
    thread.join()

    assert seals.verify().findings == []
    assert made.last_id <= AuditEvent.objects.exclude(action="seal").first().pk
    assert AuditEvent.objects.filter(object_label="slow", pk__lte=made.last_id).exists()


@pytest.mark.django_db(transaction=True)
def test_sealers_in_parallel_make_one_chain():
    ItemFactory.create_batch(3)
    for item in Item.objects.all():
        item.name += "!"
        audit.save(item)

    at_once(*[seals.seal] * 4)

    assert AuditEvent.objects.filter(action="seal").count() == 1
    assert seals.verify().findings == []
