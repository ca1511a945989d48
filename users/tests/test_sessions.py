from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import async_to_sync
from cryptography.fernet import Fernet
from django.conf import settings as project_settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from core.context import ActingContext, entered
from users.models import EndReason, UserSession
from users.sessions import SessionStore, end_sessions, hash_key
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    store = SessionStore()
    store["color"] = "green"
    store.create()
    store.save()
    return store


def reload(store):
    return SessionStore(store.session_key)


def test_it_is_the_engine_of_the_project():
    assert import_module(project_settings.SESSION_ENGINE).SessionStore is SessionStore


def test_what_is_saved_is_read_back(store):
    store["color"] = "blue"
    store.save()

    assert reload(store)["color"] == "blue"


def test_neither_key_nor_data_stand_in_the_row_in_clear(store):
    row = UserSession.objects.get()

    assert row.key_hash == hash_key(store.session_key) != store.session_key
    assert "green" not in row.session_data
    assert row.session_data.startswith("gAAAA")


def test_rotation_keeps_the_row_and_kills_the_old_key(store):
    old_key, row_id = store.session_key, store.row_id

    store.cycle_key()
    store.save()

    assert store.session_key != old_key
    assert UserSession.objects.get().pk == row_id == reload(store).row_id
    assert reload(store)["color"] == "green"
    assert SessionStore(old_key).load() == {}


def test_rotation_of_a_session_that_was_never_saved_makes_one():
    store = SessionStore()
    store["color"] = "green"

    store.cycle_key()
    store.save()

    assert reload(store)["color"] == "green"


def test_flush_ends_the_row_and_blanks_its_data(store):
    key = store.session_key

    store.flush()

    row = UserSession.objects.get()
    assert (row.session_data, row.end_reason) == ("", EndReason.SIGNED_OUT)
    assert SessionStore(key).load() == {}


def test_an_ended_session_cannot_be_saved_again(store):
    end_sessions(UserSession.objects.all(), reason=EndReason.REVOKED_BY_STAFF)

    with pytest.raises(UpdateError):
        store.save()


def test_ending_an_ended_session_keeps_its_first_reason(store):
    end_sessions(UserSession.objects.all(), reason=EndReason.REVOKED_BY_STAFF)

    assert end_sessions(UserSession.objects.all(), reason=EndReason.EXPIRED) == 0
    assert UserSession.objects.get().end_reason == EndReason.REVOKED_BY_STAFF


@pytest.mark.parametrize("limit", ["expires_at", "idle_expires_at"])
def test_both_limits_end_it(store, limit):
    UserSession.objects.update(**{limit: timezone.now() - timedelta(seconds=1)})

    assert reload(store).load() == {}


def test_use_pushes_the_idle_limit_out_but_not_the_absolute_one(store):
    long_ago = timezone.now() - timedelta(minutes=10)
    UserSession.objects.update(last_activity_at=long_ago)
    before = UserSession.objects.get()

    reload(store).load()

    after = UserSession.objects.get()
    assert after.idle_expires_at > before.idle_expires_at
    assert after.expires_at == before.expires_at


def test_use_within_a_minute_writes_nothing(store, django_assert_num_queries):
    # 1. the session's row
    with django_assert_num_queries(1):
        reload(store).load()


def test_a_lost_encryption_key_signs_out_instead_of_crashing(store, settings):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert reload(store).load() == {}


def test_the_row_knows_the_browser_it_came_from():
    agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
    )

    with entered(ActingContext(client_ip="192.0.2.7", user_agent=agent)):
        SessionStore().create()

    row = UserSession.objects.get()
    assert (row.device_type, row.os, row.client_ip) == ("mobile", "iOS 17.5", "192.0.2.7")
    assert row.browser == "Mobile Safari 17"


def test_signing_in_names_the_user_on_the_row():
    user = UserFactory()
    client = Client()

    client.force_login(user)

    assert UserSession.objects.get().user == user
    assert client.session[SESSION_KEY] == str(user.pk)


def test_a_disabled_account_loses_its_sessions_at_once():
    user = UserFactory(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    type(user).objects.update(is_active=False)

    assert client.get("/admin/").status_code == 302


def test_clear_expired_ends_old_sessions_and_removes_those_of_nobody(store):
    past = timezone.now() - timedelta(days=1)
    old = UserSessionFactory(expires_at=past)
    UserSessionFactory(user=None, expires_at=past)

    SessionStore.clear_expired()

    old.refresh_from_db()
    assert (old.end_reason, old.session_data) == (EndReason.EXPIRED, "")
    assert set(UserSession.objects.values_list("pk", flat=True)) == {old.pk, store.row_id}


def test_exists_knows_keys_by_their_hash(store):
    assert store.exists(store.session_key)
    assert not store.exists("a" * 32)


def test_the_async_methods_do_the_same():
    async def through_its_life():
        store = SessionStore()
        await store.aset("color", "green")
        await store.acreate()
        await store.asave()
        await store.acycle_key()
        await store.asave()
        again = SessionStore(store.session_key)
        color = await again.aget("color")
        existed = await store.aexists(store.session_key)
        await store.aflush()
        return color, existed

    assert async_to_sync(through_its_life)() == ("green", True)
    assert UserSession.objects.get().end_reason == EndReason.SIGNED_OUT


def test_the_database_refuses_an_ended_session_that_kept_its_data(store):
    from_django = UserSession.objects.filter(pk=store.row_id)

    with pytest.raises(Exception, match="users_usersession_ended_check"):
        from_django.update(ended_at=timezone.now(), end_reason=EndReason.EXPIRED)
