"""One call of each service, in a world that is just enough for it: what must be in the trail.

A scenario is a function named ``<module>__<service>``, without the ``services`` in between. It
builds its world and answers a ``Call``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission

from authorization.models import RoleAssignment
from authorization.services import assignments, roles, second_factors
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from users.tests.factories import UserFactory, UserSessionFactory


@dataclass
class Call:
    """``run(actor)`` calls the service; the event is of ``action``, about ``about``.

    ``about`` is the object, or takes the service's answer and gives it. ``refused`` raises: the
    same call by a stranger, unless it is said otherwise; ``None`` where the service refuses
    nothing, as its callers have done so.
    """

    run: Callable[[Any], Any]
    actor: Any
    action: str
    about: Any
    refused: Callable[[], Any] | None = None
    refuses_nothing: bool = False


def root():
    return UserFactory(is_superuser=True)


def permission(codename="view_item"):
    return Permission.objects.select_related("content_type").get(codename=codename)


# --- Roles ------------------------------------------------------------------------------------


def authorization_roles__create_role():
    name = RoleFactory.build().name
    return Call(lambda a: roles.create_role(actor=a, name=name), root(), "create", lambda r: r)


def authorization_roles__update_role():
    role = RoleFactory()
    return Call(
        lambda a: roles.update_role(actor=a, role=role, name="Other"), root(), "update", role
    )


def authorization_roles__delete_role():
    role = RoleFactory()
    return Call(lambda a: roles.delete_role(actor=a, role=role), root(), "delete", role)


def authorization_roles__restore_role():
    role = RoleFactory()
    role.delete()
    return Call(lambda a: roles.restore_role(actor=a, role=role), root(), "restore", role)


def authorization_roles__clone_role():
    role = RoleFactory()
    return Call(
        lambda a: roles.clone_role(actor=a, role=role, name=f"{role.name} too"),
        root(),
        "create",
        lambda clone: clone,
    )


def authorization_roles__grant_permission():
    role = RoleFactory()
    return Call(
        lambda a: roles.grant_permission(actor=a, role=role, permission=permission()),
        root(),
        "create",
        lambda held: held,
    )


def authorization_roles__withdraw_permission():
    held = RoleFactory(permissions=["items.view_item"]).role_permissions.get()
    return Call(lambda a: roles.withdraw_permission(actor=a, held=held), root(), "withdraw", held)


def authorization_roles__set_permissions():
    role = RoleFactory(permissions=["items.view_item"])
    held = role.role_permissions.get()
    chosen = [permission("add_item")]
    return Call(
        lambda a: roles.set_permissions(actor=a, role=role, permissions=chosen),
        root(),
        "withdraw",
        held,
    )


def authorization_assignments__assign_role():
    user, role = UserFactory(), RoleFactory()
    return Call(
        lambda a: assignments.assign_role(actor=a, user=user, role=role),
        root(),
        "create",
        lambda assignment: assignment,
    )


def authorization_assignments__change_assignment():
    held = RoleAssignmentFactory()
    return Call(
        lambda a: assignments.change_assignment(actor=a, assignment=held, reason="Because"),
        root(),
        "update",
        held,
    )


def authorization_assignments__revoke_role():
    held = RoleAssignmentFactory()
    return Call(lambda a: assignments.revoke_role(actor=a, assignment=held), root(), "revoke", held)


def authorization_second_factors__end_remembered_sessions():
    held = RoleAssignmentFactory(role=RoleFactory(totp_required=True))
    session = UserSessionFactory(user=held.user, is_remembered=True)
    rows = RoleAssignment.objects.filter(pk=held.pk)
    return Call(
        lambda a: second_factors.end_remembered_sessions(actor=a, assignments=rows),
        root(),
        "revoke",
        session,
        refuses_nothing=True,
    )
