"""The ASGI entry point serves what WSGI does, with the same context around each request."""

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from users.models import EndReason, UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_response_names_its_request():
    response = async_to_sync(AsyncClient().get)(
        "/health/live", headers={"X-Request-ID": "from-the-client"}
    )

    assert response.status_code == 200
    assert response.headers["X-Request-ID"] == "from-the-client"


def test_a_session_lives_through_its_rotation_and_ends():
    user = UserFactory(is_staff=True, is_superuser=True)

    async def through():
        client = AsyncClient()
        await client.aforce_login(user)
        inside = await client.get("/admin/")
        await client.alogout()
        outside = await client.get("/admin/")
        return inside.status_code, outside.status_code

    assert async_to_sync(through)() == (200, 302)
    assert UserSession.objects.get(user=user).end_reason == EndReason.SIGNED_OUT
