"""Somebody who may read the trail, and events to read."""

import pytest
from django.db import transaction

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core import audit
from core.context import ActingContext, Via, entered
from core.models import AuditEvent
from users.tests.factories import UserFactory

LIST = "/api/v1/audit"


@pytest.fixture
def auditor():
    user = UserFactory(username="auditor")
    role = RoleFactory(permissions=["core.view_auditevent"])
    RoleAssignmentFactory(user=user, role=role)
    return user


@pytest.fixture
def reader(api_of, auditor):
    return api_of(auditor)


def record(action="update", *, target=None, actor=None, changes=None, **context):
    """One event, whatever the context is said to be; answer it."""
    acting = ActingContext(**{"via": Via.API, "request_id": "0" * 8, **context})
    with transaction.atomic(), entered(acting):
        audit.record(action=action, target=target or UserFactory(), changes=changes, actor=actor)
    return AuditEvent.objects.latest("id")
