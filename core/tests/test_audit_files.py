"""The audit trail as files: streamed, noted, and safe to open in a spreadsheet."""

import csv
import json
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from core import trail_files
from core.csv_cells import FORMULA_STARTS, bare_cell, safe_cell
from core.models import AuditEvent
from core.tests.auditing import LIST, auditor, reader, record
from core.trail_reading import COLUMNS, shown
from users.tests.factories import UserFactory

__all__ = ["auditor", "reader"]

pytestmark = pytest.mark.django_db


def content_of(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_both_files_hold_what_the_list_holds_and_no_cell_is_a_formula(reader, monkeypatch):
    monkeypatch.setattr(trail_files, "BATCH", 2)
    evil = '=HYPERLINK("http://evil.example","x")'
    for name in (evil, "+1", "'=1", "line\nbreak, comma", "ä€𝄞"):
        record(target=UserFactory(), changes={"name": (None, name)}, request_id=name[:9])
    listed = reader.get(LIST, {"action": "update"}).json()["results"]
    assert len(listed) == 5

    lines = content_of(reader.get(f"{LIST}/export.jsonl", {"action": "update"})).splitlines()
    text = content_of(reader.get(f"{LIST}/export.csv", {"action": "update"}))

    assert [json.loads(line) for line in lines] == listed
    names, *rows = csv.reader(StringIO(text, newline=""))
    assert tuple(names) == COLUMNS
    assert not [cell for row in rows for cell in row if cell.startswith(tuple(FORMULA_STARTS))]
    read = [{n: bare_cell(c) for n, c in zip(names, row, strict=True)} for row in rows]
    assert [row["request_id"] for row in read] == [event["request_id"] for event in listed]
    assert [json.loads(row["changes"]) for row in read] == [event["changes"] for event in listed]


def test_taking_a_file_is_an_event_that_says_who_which_and_how_many(reader, auditor):
    record("purge")
    record("purge")
    asked = {"action": "purge", "until": "2999-01-01T00:00:00Z"}

    answer = reader.get(f"{LIST}/export.csv", asked)

    # Written before the first byte is sent: a reader that goes away cannot avoid it.
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_id) == ("export_audit_trail", auditor.pk)
    assert event.request_id == answer["X-Request-ID"]
    told = {name: after for name, (_before, after) in event.changes.items()}
    assert told["format"] == "csv"
    assert json.loads(told["filters"]) == asked
    assert told["events"] == 2 == content_of(answer).count("purge")
    assert answer["Content-Disposition"] == 'attachment; filename="audit-trail.csv"'
    assert answer["Cache-Control"] == "no-store"


def test_without_its_event_no_file_is_handed_out(reader, monkeypatch):
    def away(**_kwargs):
        raise RuntimeError("gone")

    reader.raise_request_exception = False
    monkeypatch.setattr("core.trail_files.audit.record", away)

    assert reader.get(f"{LIST}/export.csv").status_code == 500


def test_a_file_is_read_in_batches_and_does_not_hold_its_own_event(
    reader, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(trail_files, "BATCH", 4)
    for _ in range(10):
        record("purge")
    answer = reader.get(f"{LIST}/export.jsonl")

    record("purge")  # while it is being read
    # Batches of four: all of 1, and the last one is short.
    newest = AuditEvent.objects.filter(action="export_audit_trail").latest("id").pk
    total = AuditEvent.objects.filter(pk__lt=newest).count()
    with django_assert_num_queries(total // 4 + 1):
        lines = content_of(answer).splitlines()

    assert len(lines) == total
    assert json.loads(lines[0]) == json.loads(json.dumps(shown(_before(newest))))


def _before(key):
    return AuditEvent.objects.filter(pk__lt=key).latest("id")


@pytest.mark.django_db(transaction=True)
def test_under_an_event_loop_it_is_streamed_as_well(client, auditor):
    client.force_login(auditor)
    record("purge")

    async def fetched():
        browser = AsyncClient()
        browser.cookies = client.cookies
        answer = await browser.get(f"{LIST}/export.jsonl?action=purge")
        assert answer.is_async
        return [block async for block in answer.streaming_content]

    [block] = async_to_sync(fetched)()
    assert json.loads(block)["action"] == "purge"


def test_files_answer_to_their_own_types_and_problems_are_json(reader):
    for accept in ("text/csv", "*/*", "application/json"):
        answer = reader.get(f"{LIST}/export.csv", headers={"Accept": accept})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
    answer = reader.get(f"{LIST}/export.csv?strange=1", headers={"Accept": "text/csv"})
    assert answer["Content-Type"] == "application/problem+json"


# --- Cells --------------------------------------------------------------------------------------

CELLS = st.text(alphabet=st.sampled_from("'=+-@\t\r\n \u00a0\uff1dab,\""), max_size=12) | st.text()


@given(CELLS)
def test_a_cell_comes_back_as_it_was_and_never_starts_a_formula(text):
    cell = safe_cell(text)

    assert bare_cell(cell) == text
    assert not cell.lstrip(" \u00a0").startswith(tuple(FORMULA_STARTS))
