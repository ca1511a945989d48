"""One of everything, and eleven kinds of callers who ask for it."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.test import Client
from django.utils import timezone

from authentication.services.api_tokens import create_api_token
from authorization.models import Role, RoleAssignment
from authorization.system_roles import sync_system_roles
from authorization.tests.factories import RoleFactory
from core.models import AuditEvent
from groups.models import Invitation, MembershipRank, MembershipStatus
from groups.tests.factories import GroupFactory, MembershipFactory
from items.services.items import create_item
from items.tests.factories import ItemFactory
from truledgr.tests.test_admin_everywhere import MAKERS
from users.models import User
from users.tests.factories import UserFactory

CALLERS = (
    "anonymous", "stranger", "member", "viewer", "admin", "owner", "auditor", "staff",
    "superuser", "expired", "deleted",
)  # fmt: skip
# In the group: (role, rank). Those who hold a role everywhere are no members.
MEMBERS = {
    "member": ("group-member", MembershipRank.MEMBER),
    "viewer": ("group-viewer", MembershipRank.MEMBER),
    "admin": ("group-admin", MembershipRank.ADMIN),
    "owner": ("group-owner", MembershipRank.OWNER),
    "expired": ("group-admin", MembershipRank.ADMIN),
    "deleted": ("group-admin", MembershipRank.ADMIN),
}
EVERYWHERE = {"auditor": "auditor", "staff": "staff", "expired": "administrator"}


class Clients(NamedTuple):
    """A program with an access token; a browser and an app that are signed in."""

    program: Client
    browser: Client
    app: Client


class World:
    """A private group with an item, and whatever else an address can name.

    ``expired`` was an administrator of the group and of the installation, until yesterday;
    ``deleted`` has a token and a session from before the account was deleted.
    """

    def __init__(self) -> None:
        sync_system_roles()
        self.users = {
            name: UserFactory(
                username=name,
                is_staff=name in {"auditor", "staff", "superuser", "expired", "deleted"},
                is_superuser=name == "superuser",
            )
            for name in CALLERS[1:]
        }
        self.group = GroupFactory(name="Crew", owner=self.users["owner"])
        self._let_in()
        self.clients = {name: self._clients(name) for name in CALLERS}
        self._make_objects()
        self.users["deleted"].delete()

    def _let_in(self) -> None:
        yesterday = timezone.now() - timedelta(days=1)
        for name, (slug, rank) in MEMBERS.items():
            self._belongs(
                self.users[name], slug, rank, expires_at=yesterday if name == "expired" else None
            )
        for name, slug in EVERYWHERE.items():
            RoleAssignment.objects.create(
                user=self.users[name],
                role=Role.objects.get(slug=slug),
                expires_at=yesterday if name == "expired" else None,
            )

    def _belongs(self, user, slug="group-member", rank=MembershipRank.MEMBER, **fields):
        role = Role.objects.get(slug=slug)
        return MembershipFactory(group=self.group, user=user, role=role, rank=rank, **fields)

    def _clients(self, name: str) -> Clients:
        program, browser, app = (Client(raise_request_exception=False) for _kind in range(3))
        if name != "anonymous":
            user = self.users[name]
            _token, secret = create_api_token(actor=user, user=user, name="test")
            program.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
            browser.force_login(user)
            app.defaults["HTTP_X_SESSION_TOKEN"] = browser.session.session_key
        return Clients(program, browser, app)

    def _make_objects(self) -> None:
        owner = self.users["owner"]
        self.item = create_item(actor=owner, name="Minutes", group=self.group)
        self.deleted_item = ItemFactory(owner=None, group=self.group, name="Old minutes")
        self.deleted_item.delete()
        self.archived_group = GroupFactory(owner=owner, is_active=False)
        self.deleted_group = GroupFactory(owner=owner)
        self.deleted_group.delete()
        self.target = self._belongs(UserFactory()).user
        self.asking = self._belongs(
            UserFactory(), status=MembershipStatus.REQUESTED, joined_at=None
        ).user
        self.banned = self._belongs(UserFactory(), status=MembershipStatus.BANNED).user
        self.role = RoleFactory(name="Keeper", permissions=["items.view_item"])
        self.other_role = RoleFactory(name="Reader", permissions=["items.view_item"])
        self.deleted_role = RoleFactory()
        self.deleted_role.delete()
        self.assignment = RoleAssignment.objects.create(user=self.target, role=self.role)
        now = timezone.now()
        self.invitation = Invitation.objects.create(
            group=self.group,
            email="guest@example.org",
            role=Role.objects.get(slug="group-member"),
            token_hash="0" * 64,
            expires_at=now + timedelta(days=7),
            sent_at=now - timedelta(days=1),
            invited_by=owner,
        )
        self.event = AuditEvent.objects.filter(model="item").latest("id")
        self.rows = {model: make() for model, make in MAKERS.items()}
        self.rows |= {type(one): one for one in (self.group, self.item, self.role, self.invitation)}
        self.rows |= {User: self.target, RoleAssignment: self.assignment}
