"""An export holds everything that is kept about its owner, and nothing of anybody else."""

import io
import json
import tracemalloc
import zipfile

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core import mail
from django.db import connection
from django.test import AsyncClient, Client
from django.utils import timezone
from rest_framework.test import APIClient

from authentication.personal_data.archive import snapshot, write_archive
from authentication.personal_data.export import RATE, export_data
from core import audit
from core.context import ActingContext, Via, entered
from core.models import AuditEvent
from core.personal_data import declarations
from core.tests.one_engine import on
from core.tests.parallel import at_once
from groups.tests.factories import GroupFactory
from truledgr.tests.closing import annika, bobolink, supporter
from truledgr.tests.person_with_everything import hash_of
from users.models import SessionActivity
from users.services import update_profile
from users.tests.factories import UserFactory

staff, ann, bob = map(pytest.fixture, (supporter, annika, bobolink))
pytestmark = pytest.mark.django_db

EXPORT, PAGE = "/api/v1/me/export", "/accounts/data/"


class Unseekable(io.RawIOBase):
    """A stream such as a socket: what is written is gone."""

    def __init__(self):
        self.written = 0
        self.kept = io.BytesIO()
        self.is_kept = True

    def writable(self):
        return True

    def write(self, data):
        self.written += len(data)
        if self.is_kept:
            self.kept.write(data)
        return len(data)


def files_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def download(client, address=EXPORT, **headers):
    """The response and what it brings; read to the end, which closes the file behind it."""
    response = client.post(address, **headers)
    return response, b"".join(response.streaming_content if response.streaming else [])


def exported(user):
    """The files of an export, as text and parsed."""
    stream = Unseekable()
    write_archive(user, stream, moment=timezone.now())
    files = files_of(stream.kept.getvalue())
    rows = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    return b"\n".join(files.values()).decode(), rows


# --- What is in it --------------------------------------------------------------------------


def test_everything_about_a_person_is_in_it(ann):
    _text, rows = exported(ann.user)

    assert {name for name, content in rows.items() if not content} == {"impersonations.json"}
    [profile] = rows["profile.json"]
    assert profile["email"] == ann.words["email"]
    assert profile["bio"] == ann.words["biography"]
    assert [row["name"] for row in rows["items.json"]] == [
        ann.words["item"],
        f"Old {ann.words['item']}",
    ]
    assert rows["items.json"][0]["data"] == {"mood": ann.words["biography"]}
    assert [row["group_name"] for row in rows["memberships.json"]] == [ann.words["group"]]
    assert len(rows["sessions.json"]) == 2
    assert {row["city"] for row in rows["sessions.json"]} == {ann.words["city"]}
    assert len(rows["activity.json"]) == 2


def test_the_manifest_says_what_each_file_is_and_how_much_it_holds(ann):
    text, rows = exported(ann.user)
    manifest = rows.pop("manifest.json")

    assert (manifest["format"], manifest["version"]) == ("truledgr-export", 1)
    assert manifest["user"] == str(ann.user.pk)
    assert {entry["file"]: entry["rows"] for entry in manifest["files"]} == {
        name: len(content) for name, content in rows.items()
    }
    assert all(entry["says"] and entry["file"] in text for entry in manifest["files"])
    assert set(rows) == {f"{one.name}.json" for one in declarations() if one.fields}


def test_no_secret_is_in_it(ann):
    text, _rows = exported(ann.user)

    for secret in (
        ann.user.password,
        ann.user.totpdevice_set.get().secret,
        ann.user.backupcodedevice_set.get().salt,
        *(hash_of(kind, ann.user) for kind in ("token", "reset", "session")),
        ann.device.fingerprint,
        ann.user.pk.hex * 2,
    ):
        assert secret not in text


def test_of_two_people_with_everything_neither_is_in_the_export_of_the_other(ann, bob, staff):
    for one, other in ((ann, bob), (bob, ann)):
        text, _rows = exported(one.user)

        for kind, word in {**other.words, "id": str(other.user.pk), "staff": staff.email}.items():
            assert word not in text, kind
        for kind, word in one.words.items():
            assert word in text, kind


def test_of_a_shared_group_only_its_name_is_shared(ann, bob):
    group = GroupFactory(owner=bob.user, name="Rowing club")
    ann.join(group)
    bob.join(group)

    text, rows = exported(ann.user)

    assert "Rowing club" in {row["group_name"] for row in rows["memberships.json"]}
    assert "Rowing club" not in {row["name"] for row in rows["groups.json"]}
    for word in (*bob.words.values(), str(bob.user.pk), "Theirs all"):
        assert word not in text


# --- What the trail tells -------------------------------------------------------------------


def event_of(rows, action):
    return next(row for row in rows["audit_events.json"] if row["action"] == action)


def test_what_staff_did_to_the_account_is_told_without_saying_who(ann, staff):
    context = ActingContext(via=Via.ADMIN, client_ip="203.0.113.77", actor=lambda: staff)
    with entered(context):
        ann.user.verified_by, ann.user.is_verified = staff, True
        ann.user.verified_at = timezone.now()
        audit.save(ann.user, action="verify")

    text, rows = exported(ann.user)

    event = event_of(rows, "verify")
    assert event["actor"] == "staff"
    assert event["changes"]["verified_by"] == [None, "somebody else"]
    for word in (str(staff.pk), staff.username, "203.0.113.77"):
        assert word not in text


def test_what_somebody_did_to_others_names_none_of_them(ann, bob):
    with entered(ActingContext(via=Via.ADMIN, client_ip=ann.words["ip"], actor=lambda: ann.user)):
        update_profile(actor=ann.user, user=bob.user, first_name="Robert")

    text, rows = exported(ann.user)

    latest = rows["audit_events.json"][-1]
    assert latest == {
        **latest,
        "actor": "you",
        "action": "update",
        "model": "user",
        "client_ip": ann.words["ip"],
    }
    assert latest.keys().isdisjoint({"object_id", "object_label", "changes"})
    assert "Robert" not in text


def test_what_was_done_as_them_is_told(ann, staff):
    context = ActingContext(
        via=Via.WEB, client_ip="203.0.113.77", actor=lambda: ann.user, impersonator=lambda: staff
    )
    with entered(context):
        update_profile(actor=ann.user, user=ann.user, first_name="Anni")

    text, rows = exported(ann.user)

    latest = rows["audit_events.json"][-1]
    assert (latest["actor"], latest["changes"]["first_name"][1]) == ("staff", "Anni")
    assert staff.username not in text
    assert "203.0.113.77" not in text


# --- How it is made -------------------------------------------------------------------------


def copy_of_only_activity(times):
    """By one statement: the only row there is, as often again."""
    names = [f.column for f in SessionActivity._meta.concrete_fields if not f.primary_key]
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE series(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < %s) "
            f"INSERT INTO session_activities ({', '.join(names)}) "
            f"SELECT {', '.join(names)} FROM session_activities, series",
            [times],
        )


def test_many_activities_fit_into_little_memory(django_assert_max_num_queries):
    user = UserFactory()
    SessionActivity.objects.create(
        user=user,
        activity_type="request",
        route="item-detail",
        method="GET",
        status=200,
        client_ip="198.51.100.17",
        request_id="0199a1b2-0000-7000-8000-000000000000",
    )
    copy_of_only_activity(24_999)
    stream = Unseekable()
    stream.is_kept = False

    tracemalloc.start()
    with django_assert_max_num_queries(2 * len(declarations())):
        counts = write_archive(user, stream, moment=timezone.now())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert counts["activity"] == 25_000
    assert stream.written > 25_000
    # A list of them would take 40 MB and more.
    assert peak < 10_000_000, f"{peak:,} bytes"


@on("postgresql")  # SQLite has one writer at a time
@pytest.mark.django_db(transaction=True)
def test_an_export_sees_one_moment_whatever_others_write_meanwhile():
    user = UserFactory(first_name="Before")

    def write():
        type(user).objects.filter(pk=user.pk).update(first_name="After")
        SessionActivity.objects.create(user=user, activity_type="request")

    stream = Unseekable()
    with snapshot():
        assert type(user).objects.get(pk=user.pk).first_name == "Before"
        assert at_once(write) == [None]
        counts = write_archive(user, stream, moment=timezone.now())

    rows = json.loads(files_of(stream.kept.getvalue())["profile.json"])
    assert rows[0]["first_name"] == "Before"
    assert counts["activity"] == 0
    assert SessionActivity.objects.count() == 1


def test_what_fails_half_way_is_an_error_and_leaves_no_trace(ann, monkeypatch):
    monkeypatch.setattr("authentication.personal_data.archive._manifest", lambda *_args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        export_data(actor=ann.user)

    assert not AuditEvent.objects.filter(action="export").exists()
    assert not mail.outbox


# --- Asking for it --------------------------------------------------------------------------


def test_the_api_answers_a_zip_that_nobody_keeps(ann):
    client = ann.client()

    response, data = download(client, headers={"Accept": "application/zip"})

    assert response.status_code == 200
    day = f"{timezone.now():%Y-%m-%d}"
    assert response["Content-Disposition"] == (
        f'attachment; filename="truledgr-export-annika-{day}.zip"'
    )
    assert response["Content-Type"] == "application/zip"
    assert int(response["Content-Length"]) == len(data)
    assert "no-store" in response["Cache-Control"]
    assert json.loads(files_of(data)["profile.json"])[0]["username"] == "annika"


def test_an_export_is_recorded_and_its_owner_told(ann):
    download(ann.client())

    event = AuditEvent.objects.get(action="export")
    assert (event.actor_id, event.object_id) == (ann.user.pk, str(ann.user.pk))
    assert event.changes["items"] == [None, 2]
    [message] = mail.outbox
    assert message.to == [ann.words["email"]]
    assert message.subject == "Your data was exported"
    assert "/accounts/not-me/" in message.body


def test_asvs_7_5_3_an_export_needs_a_recent_step_up(ann):
    client = Client()
    client.force_login(ann.user)

    response = client.post(EXPORT)
    page = client.post(f"{PAGE}export/")

    assert (response.status_code, response.json()["code"]) == (403, "step_up_required")
    assert page["Location"].startswith("/accounts/step-up/")
    assert not mail.outbox


def test_an_access_token_exports_nothing(ann, api_of):
    response = api_of(ann.user).post(EXPORT)

    assert (response.status_code, response.json()["code"]) == (403, "session_required")


def test_staff_who_act_as_somebody_export_nothing(ann, staff):
    context = ActingContext(actor=lambda: ann.user, impersonator=lambda: staff)

    with entered(context), pytest.raises(Exception, match="Only the owner"):
        export_data(actor=ann.user)


def test_a_get_makes_no_export(ann):
    client = ann.client()

    assert client.get(EXPORT).status_code == 405
    assert client.get(f"{PAGE}export/").status_code == 405
    assert not AuditEvent.objects.filter(action="export").exists()


def test_a_post_from_another_site_makes_no_export(ann):
    client = ann.client(Client(enforce_csrf_checks=True))

    assert client.post(EXPORT).status_code == 403
    assert client.post(f"{PAGE}export/").status_code == 403


def test_the_sixth_export_of_a_day_has_to_wait(ann, bob):
    client = ann.client()
    for _time in range(RATE.amount):
        assert download(client)[0].status_code == 200

    refused, page = client.post(EXPORT), client.post(f"{PAGE}export/")

    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert int(refused["Retry-After"]) > 60
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 60
    assert download(bob.client())[0].status_code == 200


def test_under_asgi_it_is_the_same_zip(ann):
    async def fetch():
        client = AsyncClient()
        await client.aforce_login(ann.user)
        session = await client.asession()
        await sync_to_async(ann.step_up)(session)
        response = await client.post(EXPORT)
        assert response.is_async
        return response, b"".join([block async for block in response])

    response, data = async_to_sync(fetch)()

    assert response.status_code == 200
    assert "profile.json" in files_of(data)


@pytest.mark.parametrize("body", ["[]", "{", "null"])
def test_a_body_is_not_read(ann, body):
    client = APIClient()
    ann.client(client)

    response = client.generic("POST", EXPORT, body, "application/json")

    assert "profile.json" in files_of(b"".join(response.streaming_content))


def test_the_page_offers_it_and_gives_it(ann):
    client = ann.client()
    assert "Download your data" in client.get(PAGE).content.decode()

    _response, data = download(client, f"{PAGE}export/")

    assert "profile.json" in files_of(data)
