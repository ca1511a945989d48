"""The personal data in the tables of signing in."""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.utils.translation import gettext_lazy as _
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from core.personal_data import DELETE, PersonalRows, register

register(
    PersonalRows(
        name="linked_accounts",
        says=_("Your accounts elsewhere that you sign in with, and what they told of you."),
        model=SocialAccount,
        through=("user",),
        fields=("provider", "uid", "extra_data", "date_joined", "last_login"),
        closing=DELETE,
    ),
    PersonalRows(
        name="authenticator_apps",
        says=_("Your authenticator apps, without their keys."),
        model=TOTPDevice,
        through=("user",),
        fields=("name", "confirmed", "created_at", "wrong_codes"),
        closing=DELETE,
        is_account=True,
    ),
    PersonalRows(
        name="backup_codes",
        says=_("When your backup codes were made, without the codes."),
        model=BackupCodeDevice,
        through=("user",),
        fields=("name", "confirmed", "created_at", "updated_at", "wrong_codes"),
        closing=DELETE,
        is_account=True,
    ),
    PersonalRows(
        name="passkeys",
        says=_("Your passkeys, without what they are checked with."),
        model=WebAuthnCredential,
        through=("user",),
        fields=(
            "name",
            "confirmed",
            "created_at",
            "last_used_at",
            "transports",
            "backup_eligible",
            "backup_state",
            "aaguid",
        ),
        closing=DELETE,
    ),
    PersonalRows(
        name="passkey_handles",
        says="A random number by which a passkey knows its account; it opens nothing elsewhere.",
        model=WebAuthnUserHandle,
        through=("user",),
        closing=DELETE,
    ),
    PersonalRows(
        name="access_tokens",
        says=_("Your access tokens, without the tokens themselves."),
        model=APIToken,
        through=("user",),
        fields=(
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_ip",
            "revoked_at",
        ),
        closing=DELETE,
        is_account=True,
    ),
    PersonalRows(
        name="password_resets",
        says=_("The links to set a new password that were mailed to you."),
        model=PasswordResetToken,
        through=("user",),
        fields=(
            "id",
            "email",
            "created_at",
            "expires_at",
            "used_at",
            "revoked_at",
            "revocation_reason",
            "client_ip",
            "user_agent",
        ),
        closing=DELETE,
        is_account=True,
    ),
)
