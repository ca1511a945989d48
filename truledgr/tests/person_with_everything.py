"""Somebody of whom every table holds something, with words of their own to search for."""

import time
from datetime import timedelta
from hashlib import sha256

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from authentication.step_up import STEPPED_UP_AT
from authorization.models import RoleAssignment
from authorization.tests.factories import RoleFactory
from core.context import ActingContext, Via, entered
from groups.models import Group, Invitation
from groups.tests.factories import GroupFactory, MembershipFactory
from items.services.items import create_item
from items.tests.factories import ItemFactory
from users.models import EndReason, SessionActivity, SessionDay, User
from users.services import update_profile
from users.tests.factories import DeviceFactory, UserSessionFactory


def hash_of(kind, user):
    return sha256(f"{kind} of {user}".encode()).hexdigest()


class Person:
    """``words`` are what tells whose the rows are; none of them may be left after a deletion."""

    def __init__(self, name, *, ip, staff):
        self.words = {
            "username": name,
            "email": f"{name}@everything.example",
            "first name": f"{name.title()}first",
            "last name": f"{name.title()}last",
            "biography": f"{name} likes boats",
            "ip": ip,
            "user agent": f"Firefox of {name}",
            "city": f"{name.title()}ville",
            "device": f"Desk of {name}",
            "token": f"Laptop of {name}",
            "uid": f"{name}-at-provider",
            "item": f"Diary of {name}",
            "group": f"Club of {name}",
            "reason": f"Helping {name}",
        }
        self.user = User.objects.create_user(name, self.words["email"], f"{name} horse battery 9")
        self._profile()
        self._ways_in()
        self._sessions(staff)
        self._belongings()

    def _profile(self):
        context = ActingContext(
            via=Via.WEB, client_ip=self.words["ip"], request_id="x" * 8, actor=lambda: self.user
        )
        with entered(context):
            update_profile(
                actor=self.user,
                user=self.user,
                first_name=self.words["first name"],
                last_name=self.words["last name"],
                bio=self.words["biography"],
                avatar_url=f"https://pictures.example/{self.user.username}.png",
            )
        self.user.refresh_from_db()

    def _ways_in(self):
        user, ip, agent = self.user, self.words["ip"], self.words["user agent"]
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        SocialAccount.objects.create(
            user=user, provider="corp", uid=self.words["uid"], extra_data={"email": user.email}
        )
        self.app = TOTPDevice.objects.create(user=user, name=f"Phone of {user}")
        BackupCodeDevice.objects.create(user=user, name="Backup codes").replace_codes()
        WebAuthnCredential.objects.create(
            user=user,
            name=f"Key of {user}",
            credential_id=user.pk.bytes,
            credential_id_sha256=user.pk.hex * 2,
            public_key=b"public",
            sign_count=1,
            aaguid="00000000-0000-0000-0000-000000000000",
        )
        WebAuthnUserHandle.objects.create(user=user, handle_hex=user.pk.hex * 2)
        self.token = APIToken.objects.create(
            user=user,
            name=self.words["token"],
            prefix="tl_pat_x",
            token_hash=hash_of("token", user),
            last_used_ip=ip,
        )
        PasswordResetToken.objects.create(
            user=user,
            token_hash=hash_of("reset", user),
            email=user.email,
            expires_at=timezone.now(),
            client_ip=ip,
            user_agent=agent,
        )

    def _sessions(self, staff):
        user, ip, agent = self.user, self.words["ip"], self.words["user agent"]
        now = timezone.now()
        self.device = DeviceFactory(user=user, name=self.words["device"], last_ip=ip)
        where = {"client_ip": ip, "user_agent": agent, "city": self.words["city"]}
        self.session = UserSessionFactory(
            user=user, device=self.device, key_hash=hash_of("session", user), latitude=1.5, **where
        )
        UserSessionFactory(
            user=user,
            ended_at=now,
            end_reason=EndReason.EXPIRED,
            session_data="",
            **where,
        )
        self.impersonated = UserSessionFactory(
            user=user,
            impersonator=staff,
            impersonation_reason=self.words["reason"],
            client_ip="203.0.113.99",
        )
        done = {"activity_type": "request", "route": "me", "method": "GET", "status": 200}
        SessionActivity.objects.create(user=user, session=self.session, client_ip=ip, **done)
        SessionActivity.objects.create(user=user, client_ip=ip, **done)
        SessionActivity.objects.create(
            user=user, session=self.impersonated, client_ip="203.0.113.99", **done
        )
        SessionDay.objects.create(
            user=user, day=now.date() - timedelta(days=1), counts={"country": {"PT": 3}}
        )
        LogEntry.objects.create(
            user=user,
            content_type=ContentType.objects.get_for_model(User),
            object_repr=user.username,
            action_flag=2,
        )

    def _belongings(self):
        user = self.user
        RoleAssignment.objects.create(user=user, role=RoleFactory(), reason="They asked")
        self.item = create_item(
            actor=user, name=self.words["item"], data={"mood": self.words["biography"]}
        )
        ItemFactory(owner=user, name=f"Old {self.words['item']}").delete()
        self.own_group = GroupFactory(owner=user, name=self.words["group"])
        MembershipFactory(group=self.own_group, user=user)
        ItemFactory(owner=None, group=self.own_group, name=f"Minutes, {self.words['group']}")
        Invitation.objects.create(
            group=GroupFactory(owner__password="!"),
            email=user.email,
            role=RoleFactory(scope="group"),
            token_hash=hash_of("invitation", user),
            expires_at=timezone.now() + timedelta(days=7),
            sent_at=timezone.now(),
        )

    def step_up(self, session):
        """As if they had just proven everything that a sign-in asks for."""
        session[DEVICE_ID_SESSION_KEY] = self.app.persistent_id
        session[STEPPED_UP_AT] = time.time()
        session.save()

    def client(self, client=None):
        """A browser of theirs, stepped up."""
        client = client or Client()
        client.force_login(self.user)
        self.step_up(client.session)
        return client

    def delete(self):
        """As staff do it: what others could need goes first."""
        self.own_group.delete()
        self.user.delete()

    def join(self, group):
        membership = MembershipFactory(group=group, user=self.user)
        Group.objects.filter(pk=group.pk).update(member_count=group.memberships.count())
        ItemFactory(owner=None, group=group, name="Theirs all", created_by=self.user)
        return membership
