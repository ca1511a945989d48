"""Rows of users and of what hangs on an account: addresses, roles, tokens, second factors."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from authentication.models import APIToken, PasswordResetToken, TOTPDevice
from authentication.secrets import hash_api_token, new_api_token
from authentication.services.api_tokens import SHOWN
from authorization.models import Role, RoleAssignment
from truledgr.demo import agents
from truledgr.demo.names import BIOS
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Person
from truledgr.demo.visits import address
from truledgr.demo.words import TOKEN_NAMES
from users.models import User

CURATOR = "content-curator"
# Who holds which role: every fiftieth person, counted from this number on.
HOLDERS = {
    1: ("staff", "Looks after the people of this site"),
    2: ("auditor", "External audit"),
    3: ("support", "First line"),
    4: ("support", "Second line"),
    6: (CURATOR, "Covers for a colleague on leave"),
    7: (CURATOR, "Covered for a colleague on leave"),
    8: ("staff", "Looks after the people of this site"),
}
EVERY = 50
RESET_EVERY = 6
TOTP_EVERY, TOTP_FROM = 20, 9
COVERING, COVERED = 6, 7
STAFF_ROLES = frozenset({"staff", "auditor", "support"})
SCOPES: tuple[list[str], ...] = (
    [], ["items.view_item"], ["items.view_item", "items.add_item"], ["groups.view_group"],
)  # fmt: skip


@dataclass(slots=True)
class Accounts:
    """The rows of some people, in the order in which they go in."""

    users: list[User] = field(default_factory=list)
    addresses: list[EmailAddress] = field(default_factory=list)
    assignments: list[RoleAssignment] = field(default_factory=list)
    api_tokens: list[APIToken] = field(default_factory=list)
    reset_tokens: list[PasswordResetToken] = field(default_factory=list)
    totp_devices: list[TOTPDevice] = field(default_factory=list)


def accounts_of(
    plan: Plan,
    people: list[Person],
    *,
    roles: Mapping[str, Role],
    admin: User,
    last_logins: Mapping[int, datetime],
) -> Accounts:
    """Rows for ``people``, granted and verified by ``admin``."""
    accounts = Accounts()
    for person in people:
        random = plan.random("account", person.number)
        user = _user(plan, random, person, admin, last_logins.get(person.number))
        accounts.users.append(user)
        accounts.addresses.append(
            EmailAddress(user=user, email=user.email, verified=happens(random, 0.9), primary=True)
        )
        accounts.api_tokens += _api_tokens(plan, random, person)
        accounts.reset_tokens += _reset_tokens(plan, random, person)
        if person.number % EVERY in HOLDERS:
            accounts.assignments.append(_assignment(plan, random, person, roles, admin))
        if person.number % TOTP_EVERY == TOTP_FROM:
            accounts.totp_devices.append(_unconfirmed_totp_device(plan, random, person))
    return accounts


def _user(
    plan: Plan, random: Random, person: Person, admin: User, last_login: datetime | None
) -> User:
    verified_at = plan.between(random, person.created_at, plan.anchor)
    is_verified = happens(random, 0.6)
    return User(
        id=person.id,
        username=person.username,
        email=person.email,
        password=make_password(None),
        first_name=person.first_name,
        last_name=person.last_name,
        avatar_url=f"https://example.org/avatars/{person.id}.png" if happens(random, 0.3) else "",
        bio=random.choice(BIOS) if happens(random, 0.4) else "",
        locale=person.culture.locale,
        timezone=person.place.timezone,
        is_active=not person.is_locked_out,
        is_verified=is_verified,
        verified_at=verified_at if is_verified else None,
        verified_by=admin if is_verified else None,
        is_staff=HOLDERS.get(person.number % EVERY, ("",))[0] in STAFF_ROLES,
        last_login=last_login,
        totp_required=happens(random, 0.1),
        created_at=person.created_at,
        updated_at=plan.between(random, person.created_at, plan.anchor),
    )


def _assignment(
    plan: Plan, random: Random, person: Person, roles: Mapping[str, Role], admin: User
) -> RoleAssignment:
    slug, reason = HOLDERS[person.number % EVERY]
    expires_at = {COVERING: plan.ago(days=-30), COVERED: plan.ago(hours=6)}
    return RoleAssignment(
        user_id=person.id,
        role=roles[slug],
        granted_by=admin,
        granted_at=plan.between(random, person.created_at, plan.ago(hours=12)),
        expires_at=expires_at.get(person.number % EVERY),
        reason=reason,
    )


def _api_tokens(plan: Plan, random: Random, person: Person) -> list[APIToken]:
    tokens = []
    for number in range(random.choice((0, 0, 0, 1, 2))):
        made = plan.between(random, person.created_at, plan.anchor)
        used = plan.between(random, made, plan.anchor) if happens(random, 0.7) else None
        expires_at = random.choice((None, made + timedelta(days=30), made + timedelta(days=365)))
        if used and expires_at:
            used = min(used, expires_at)
        is_revoked = happens(random, 0.15)
        token = new_api_token()  # Thrown away: nobody can use it.
        tokens.append(
            APIToken(
                id=plan.key(made, "api token", person.number, number),
                user_id=person.id,
                name=random.choice(TOKEN_NAMES),
                prefix=token[:SHOWN],
                token_hash=hash_api_token(token),
                scopes=random.choice(SCOPES),
                expires_at=expires_at,
                last_used_at=used,
                last_used_ip=address(random) if used else None,
                revoked_at=plan.between(random, used or made, plan.anchor) if is_revoked else None,
                created_at=made,
                updated_at=used or made,
            )
        )
    return tokens


def _reset_tokens(plan: Plan, random: Random, person: Person) -> list[PasswordResetToken]:
    """For one person in six, in turn used, expired unused, and revoked."""
    if person.number % RESET_EVERY:
        return []
    asked = plan.between(random, max(person.created_at, plan.ago(days=80)), plan.ago(hours=2))
    later = asked + timedelta(minutes=random.randint(1, 50))
    fate = ("used", "expired", "revoked")[person.number // RESET_EVERY % 3]
    return [
        PasswordResetToken(
            id=plan.key(asked, "reset token", person.number),
            user_id=person.id,
            token_hash=sha256(secrets.token_bytes(32)).hexdigest(),
            email=person.email,
            expires_at=asked + timedelta(hours=1),
            used_at=later if fate == "used" else None,
            revoked_at=later if fate == "revoked" else None,
            revocation_reason="Asked for again." if fate == "revoked" else "",
            client_ip=address(random),
            user_agent=random.choice(agents.DESKTOPS + agents.PHONES),
            created_at=asked,
            updated_at=later if fate != "expired" else asked,
        )
    ]


def _unconfirmed_totp_device(plan: Plan, random: Random, person: Person) -> TOTPDevice:
    begun = plan.between(random, person.created_at, plan.anchor)
    return TOTPDevice(
        user_id=person.id,
        name="Authenticator app",
        confirmed=False,
        created_at=begun,
        updated_at=begun,
    )
