"""Django's session engine over ``UserSession``: ``SESSION_ENGINE = "users.sessions"``.

The key is hashed and the data encrypted. Rotating the key changes the same row, so that a
session keeps its id and history; ending it blanks the data and keeps the row. One query reads a
session and its user.
"""

from __future__ import annotations

import logging
import string
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_otp import DEVICE_ID_SESSION_KEY

from core import audit
from core.context import current
from core.encryption import decrypt, encrypt
from users.models import EndReason, User, UserSession
from users.session_reading import SessionRow, read_session
from users.user_agents import LONGEST, describe

logger = logging.getLogger(__name__)

KEY_LENGTH, KEY_CHARACTERS = 32, string.ascii_lowercase + string.digits
TOUCH_EVERY = timedelta(seconds=60)
REMEMBERED = "_remembered"  # in the data of a session with the longer limits


def hash_key(session_key: str) -> str:
    return sha256(session_key.encode()).hexdigest()


class SessionStore(SessionBase):
    """One session. ``row_id`` is the id of its row, which survives every rotation."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._row_id: UUID | None = None
        self._verified_factor = ""
        self._is_remembered = False
        self.preloaded_user: User | None = None  # for users.session_user to hand over
        self.client_ip: str | None = None  # of its last request, to the minute
        self.last_activity_at: datetime | None = None  # likewise
        self.noted: dict[str, Any] = {}  # columns to write with the next save

    @property
    def row_id(self) -> UUID | None:
        if self._row_id is None and self.session_key is not None:
            self._get_session()  # type: ignore[attr-defined]
        return self._row_id

    @property
    def caller(self) -> tuple[UUID | None, str | None]:
        """The row and the user of a session that has been read; nobody else is looked up."""
        data = getattr(self, "_session_cache", {})
        return (self._row_id, data[SESSION_KEY]) if SESSION_KEY in data else (None, None)

    def encode(self, session_dict: dict[str, Any]) -> str:
        return encrypt(self.serializer().dumps(session_dict))

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Answer the data; nothing, which signs its user out, when no key opens it."""
        try:
            data: dict[str, Any] = self.serializer().loads(decrypt(session_data))
        except ImproperlyConfigured:
            logger.warning("A session was encrypted under a key that is not configured any more.")
            return {}
        return data

    def load(self) -> dict[str, Any]:
        """Read the row and its user, by one query; nothing when it has ended."""
        row = read_session(hash_key(self.session_key or ""))
        if row is None:
            self._session_key = None
            return {}
        self._row_id = row.id
        self._verified_factor = row.verified_factor
        self._is_remembered = row.is_remembered
        self.client_ip = row.client_ip
        self.last_activity_at = row.last_activity_at
        self._touch(row)
        self.preloaded_user = row.user
        data = self.decode(row.session_data)
        if data.get(DEVICE_ID_SESSION_KEY) != (row.verified_factor or None):
            # The row decides: the factor has been removed since.
            data.pop(DEVICE_ID_SESSION_KEY, None)
        return data

    def exists(self, session_key: str) -> bool:
        return UserSession.objects.filter(key_hash=hash_key(session_key)).exists()

    def _get_new_session_key(self) -> str:
        """165 random bits (ASVS 7.2.3): the unique column is enough to notice a second one."""
        return get_random_string(KEY_LENGTH, KEY_CHARACTERS)

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if must_create:
            self._insert(data)
        elif not self._rows().update(
            session_data=self.encode(data),
            user_id=data.get(SESSION_KEY),
            updated_at=timezone.now(),
            **self._newly_verified(data),
            **self._newly_remembered(data),
            **self.noted,
        ):
            raise UpdateError
        self.noted = {}

    def _newly_verified(self, data: dict[str, Any]) -> dict[str, Any]:
        """Columns to write when a second factor was verified, or its mark dropped, since."""
        factor = data.get(DEVICE_ID_SESSION_KEY, "")
        if factor == self._verified_factor:
            return {}
        self._verified_factor = factor
        return {
            "verified_factor": factor,
            "verified_factor_at": timezone.now() if factor else None,
        }

    def _newly_remembered(self, data: dict[str, Any]) -> dict[str, Any]:
        """Columns to write when it has been given the longer limits since, or lost them."""
        is_remembered = data.get(REMEMBERED, False)
        if is_remembered == self._is_remembered:
            return {}
        self._is_remembered = is_remembered
        return {"is_remembered": is_remembered, **self._limits()}

    def cycle_key(self) -> None:
        """Change the key of the same row and restart both of its limits.

        Raise ``SessionInterrupted`` when the session has been ended meanwhile, or rotated by
        another request: a copy of it would outlive its end.
        """
        self._get_session()  # type: ignore[attr-defined]
        if self.session_key is None:
            self.create()
            return
        new_key = self._get_new_session_key()
        if not self._rows().update(key_hash=hash_key(new_key), **self._limits()):
            raise SessionInterrupted("The session was ended or rotated by another request.")
        self._session_key = new_key
        self.modified = True

    def flush(self) -> None:
        self.delete()
        self.clear()
        self._session_key = None
        self._row_id = None
        self._verified_factor = ""
        self._is_remembered = False
        self.preloaded_user = None
        self.noted = {}

    def delete(self, session_key: str | None = None) -> None:
        """End the session as signed out; its row stays, without data.

        Once read it is known by its row: another request may have rotated the key meanwhile.
        """
        key = session_key or self.session_key
        if session_key is None and self._row_id is not None:
            rows = UserSession.objects.filter(pk=self._row_id)
        elif key is not None:
            rows = UserSession.objects.filter(key_hash=hash_key(key))
        else:
            return
        end_sessions(rows, reason=EndReason.SIGNED_OUT)

    @classmethod
    def clear_expired(cls) -> None:
        """End what has passed a limit, and remove the rows of those who never signed in.

        They ended when the first of their limits passed, not when this was noticed.
        """
        for limit in ("expires_at", "idle_expires_at"):  # each has an index of open sessions
            past = UserSession.objects.filter(**{"ended_at": None, f"{limit}__lte": timezone.now()})
            past.exclude(user=None).update(
                ended_at=Least("expires_at", "idle_expires_at"),
                end_reason=Case(
                    When(impersonator=None, then=Value(EndReason.EXPIRED)),
                    default=Value(EndReason.IMPERSONATION_ENDED),
                ),
                session_data="",
                updated_at=timezone.now(),
            )
            past.filter(user=None).delete()

    def get_session_cookie_age(self) -> int:
        """How long it may last, used or not, in seconds."""
        if self.get(REMEMBERED):
            return settings.SESSION_REMEMBERED_SECONDS
        return settings.SESSION_COOKIE_AGE

    def get_expire_at_browser_close(self) -> bool:
        """The cookie of a session that is not remembered goes with its browser."""
        return not self.get(REMEMBERED)

    async def aget_expire_at_browser_close(self) -> bool:
        return not await self.aget(REMEMBERED)

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    async def acreate(self) -> None:
        await sync_to_async(self.create)()

    async def asave(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002
        await sync_to_async(self.save)(must_create)

    async def acycle_key(self) -> None:
        await sync_to_async(self.cycle_key)()

    async def aflush(self) -> None:
        await sync_to_async(self.flush)()

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)

    @classmethod
    async def aclear_expired(cls) -> None:
        await sync_to_async(cls.clear_expired)()

    def _rows(self) -> Any:
        return UserSession.objects.active().filter(key_hash=hash_key(self.session_key or ""))

    def _insert(self, data: dict[str, Any]) -> None:
        context = current()
        agent = describe(context.user_agent)
        row = UserSession(
            key_hash=hash_key(self.session_key or ""),
            session_data=self.encode(data),
            user_id=data.get(SESSION_KEY),
            client_ip=context.client_ip,
            user_agent=context.user_agent[:LONGEST],
            device_type=agent.device_type,
            browser=agent.browser,
            os=agent.os,
            is_remembered=data.get(REMEMBERED, False),
            **self._newly_verified(data),
            **self._limits(),
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise CreateError from error
        self._row_id = row.pk
        self._is_remembered = row.is_remembered

    def _limits(self) -> dict[str, Any]:
        now = timezone.now()
        return {
            "expires_at": now + timedelta(seconds=self.get_expiry_age()),
            "idle_expires_at": now + _idle_limit(is_remembered=bool(self.get(REMEMBERED))),
        }

    def _touch(self, row: SessionRow) -> None:
        """Push the idle limit out, at most once a minute, and once for requests side by side."""
        now, idle = timezone.now(), _idle_limit(is_remembered=row.is_remembered)
        if now - row.last_activity_at >= min(TOUCH_EVERY, idle / 2):
            self._rows().filter(last_activity_at=row.last_activity_at).update(
                last_activity_at=now,
                idle_expires_at=now + idle,
                client_ip=current().client_ip,
            )


def _idle_limit(*, is_remembered: bool) -> timedelta:
    if is_remembered:
        return timedelta(seconds=settings.SESSION_REMEMBERED_IDLE_SECONDS)
    return timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def remember(session: SessionBase, *, is_remembered: bool = True) -> None:
    """Give the session the longer limits of "remember me", or take them away again.

    They count from the save that follows; the cookie then outlives the browser.
    """
    session.set_expiry(None)
    if is_remembered:
        session[REMEMBERED] = True
    else:
        session.pop(REMEMBERED, None)


def end_sessions(rows: Any, *, reason: EndReason) -> int:
    """End the open sessions among ``rows`` by one UPDATE; answer how many that were."""
    ended: int = rows.filter(ended_at=None).update(
        ended_at=timezone.now(), end_reason=reason, session_data="", updated_at=timezone.now()
    )
    return ended


@transaction.atomic
def revoke_sessions(rows: Any, *, reason: EndReason) -> int:
    """End the open sessions among ``rows`` and record each; answer how many that were."""
    still_open = rows.filter(ended_at=None)
    audit.record_rows(still_open, action="revoke", after={"end_reason": str(reason)})
    return end_sessions(still_open, reason=reason)
