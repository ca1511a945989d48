"""People, their devices, their sessions and the log of what they did."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from users.permissions import HasPermissions
from users.validators import validate_language_tag, validate_timezone, validate_web_address


class UserQuerySet(SoftDeleteQuerySet["User"]):
    def active(self) -> Self:
        """Those who may sign in."""
        return self.alive().filter(is_active=True)

    def named(self, identifier: str) -> Self:
        """Users whose username or e-mail address it is, whatever the case; served by an index."""
        column = "email" if "@" in identifier else "username"
        return self.alias(folded=Lower(column)).filter(folded=Lower(Value(identifier)))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates users; natural keys mean live users and ignore case."""

    def create_user(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> User:
        """Create a user; without ``password`` nobody can sign in by password until a reset."""
        user = User(
            username=User.normalize_username(username), email=self.normalize_email(email), **fields
        )
        user.set_password(password)
        user.full_clean(exclude=["password"])
        audit.save(user)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None) -> User:
        return self.create_user(username, email, password, is_staff=True, is_superuser=True)

    def get_by_natural_key(self, username: str) -> User:
        user: User = self.alive().named(username).get()
        return user

    async def aget_by_natural_key(self, username: str) -> User:
        user: User = await self.alive().named(username).aget()
        return user


# django-otp, whose models point here, carries no types.
class User(UUIDModel, TimestampedModel, SoftDeleteModel, HasPermissions, AbstractBaseUser):  # type: ignore[django-manager-missing]
    """A person who can sign in.

    Roles and groups live in their own apps; there is no ``groups`` or ``user_permissions``.
    """

    username = models.CharField(
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text="Unique among live users, whatever the case.",
    )
    email = models.EmailField(
        max_length=254, help_text="Unique among live users, whatever the case."
    )
    password = models.CharField(max_length=128, help_text="Argon2id hash, never the password.")
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    avatar_url = models.URLField(
        max_length=500,
        blank=True,
        validators=[validate_web_address],
        help_text="Where the picture is.",
    )
    bio = models.TextField(max_length=2000, blank=True, help_text="A few words about the person.")
    locale = models.CharField(
        max_length=35,
        default="en",
        validators=[validate_language_tag],
        help_text="Language tag (BCP 47), such as en or pt-BR.",
    )
    timezone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_timezone],
        help_text="IANA name, such as Europe/Lisbon.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: cannot sign in.")
    is_verified = models.BooleanField(
        default=False, help_text="Staff have checked who this is; not the e-mail's verification."
    )
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When staff checked.")
    verified_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="verified_users",
        help_text="Who checked.",
    )
    is_staff = models.BooleanField(default=False, help_text="May open the admin.")
    is_superuser = models.BooleanField(default=False, help_text="May do everything.")
    last_login = models.DateTimeField(null=True, blank=True, help_text="Last finished sign-in.")
    totp_required = models.BooleanField(
        default=False, help_text="Must use a second factor to sign in."
    )

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    audit = AuditSpec(
        fields=(
            "username", "email", "password", "first_name", "last_name", "avatar_url", "locale",
            "timezone", "is_active", "is_verified", "verified_by", "is_staff", "is_superuser",
            "totp_required",
        ),
        label="username",
        redacted=("password",),
    )  # fmt: skip

    class Meta:
        db_table = "users"
        ordering = ["-id"]
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = [
            *SoftDeleteModel.Meta.indexes,
            models.Index(fields=["-id"], condition=Q(is_deleted=False), name="user_alive_idx"),
        ]
        constraints = [
            *SoftDeleteModel.Meta.constraints,
            models.UniqueConstraint(
                Lower("username"),
                condition=Q(is_deleted=False),
                name="users_user_alive_username_uniq",
                violation_error_message=_("A user with this username already exists."),
            ),
            models.UniqueConstraint(
                Lower("email"),
                condition=Q(is_deleted=False),
                name="users_user_alive_email_uniq",
                violation_error_message=_("A user with this e-mail address already exists."),
            ),
            models.CheckConstraint(
                condition=Q(is_verified=False) | Q(verified_at__isnull=False),
                name="users_user_verified_check",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    def get_short_name(self) -> str:
        return self.first_name or self.username


class DeviceType(models.TextChoices):
    DESKTOP = "desktop", _("Desktop")
    MOBILE = "mobile", _("Mobile")
    TABLET = "tablet", _("Tablet")
    BOT = "bot", _("Bot")
    OTHER = "other", _("Other")


class Device(UUIDModel, TimestampedModel):
    """A browser or app from which a user has signed in."""

    user = models.ForeignKey(User, models.CASCADE, related_name="devices", db_index=False)
    fingerprint = models.CharField(
        max_length=64, help_text="Keyed hash (HMAC-SHA-256) of stable traits of its requests."
    )
    name = models.CharField(max_length=100, blank=True, help_text="What the owner calls it.")
    device_type = models.CharField(
        max_length=16,
        choices=DeviceType,
        default=DeviceType.OTHER,
        help_text="From its user agent.",
    )
    browser = models.CharField(max_length=64, blank=True, help_text="Family and major version.")
    os = models.CharField(max_length=64, blank=True, help_text="Family and version.")
    first_seen_at = models.DateTimeField(default=timezone.now, help_text="Its first request.")
    last_seen_at = models.DateTimeField(default=timezone.now, help_text="Its last request.")
    last_ip = models.GenericIPAddressField(
        null=True, blank=True, help_text="Address of its last request."
    )
    trusted_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then it skips the second factor."
    )
    trust_secret_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the secret in its trust cookie."
    )
    reported_at = models.DateTimeField(
        null=True, blank=True, help_text='When the owner said "not me".'
    )

    audit = AuditSpec(fields=("user", "name", "trusted_until", "reported_at"), label="name")

    class Meta:
        db_table = "devices"
        ordering = ["-last_seen_at", "-id"]
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "fingerprint"], name="users_device_user_fingerprint_uniq"
            ),
            models.CheckConstraint(
                condition=Q(trusted_until=None) | ~Q(trust_secret_hash=""),
                name="users_device_trust_check",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-last_seen_at"], name="device_user_seen_idx"),
            models.Index(fields=["-last_seen_at", "-id"], name="device_seen_idx"),
        ]

    def __str__(self) -> str:
        return self.name or " on ".join(filter(None, [self.browser, self.os])) or "Unknown device"


class EndReason(models.TextChoices):
    SIGNED_OUT = "signed_out", _("Signed out")
    EXPIRED = "expired", _("Expired")
    REVOKED_BY_OWNER = "revoked_by_owner", _("Ended by its owner")
    REVOKED_BY_STAFF = "revoked_by_staff", _("Ended by staff")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    SUSPICIOUS = "suspicious", _("Suspicious")


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def active(self) -> Self:
        """Neither ended nor past its idle or absolute limit."""
        now = timezone.now()
        return self.filter(ended_at=None, expires_at__gt=now, idle_expires_at__gt=now)


class UserSession(UUIDModel, TimestampedModel):
    """A session: Django's session store itself, and its history once it has ended.

    The key rotates, the row stays. Ending a session blanks its data.
    """

    key_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the session key; the key is not stored."
    )
    session_data = models.TextField(
        blank=True, help_text="Encrypted; empty once the session has ended."
    )
    expires_at = models.DateTimeField(help_text="Absolute limit: ends then, used or not.")
    idle_expires_at = models.DateTimeField(help_text="Ends then unless it is used before.")
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sessions",
        help_text="Nobody until the sign-in is finished.",
    )
    device = models.ForeignKey(
        Device, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    login_method = models.CharField(
        max_length=64, blank=True, help_text="password, oauth:google, passkey, token…"
    )
    client_ip = models.GenericIPAddressField(
        null=True, blank=True, help_text="Address of its last request."
    )
    user_agent = models.CharField(
        max_length=512, blank=True, help_text="User-Agent header, cut at 512 characters."
    )
    device_type = models.CharField(max_length=16, choices=DeviceType, default=DeviceType.OTHER)
    browser = models.CharField(max_length=64, blank=True, help_text="Family and major version.")
    os = models.CharField(max_length=64, blank=True, help_text="Family and version.")
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 code; empty when unknown."
    )
    city = models.CharField(max_length=100, blank=True, help_text="Empty when unknown.")
    last_activity_at = models.DateTimeField(default=timezone.now, help_text="Its last request.")
    request_count = models.PositiveBigIntegerField(default=0, help_text="Requests made in it.")
    risk_score = models.PositiveSmallIntegerField(
        default=0, help_text="0 (none) to 100, the sum of the rules that fired."
    )
    is_suspicious = models.BooleanField(default=False, help_text="The score passed the threshold.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it lasts.")
    end_reason = models.CharField(max_length=32, choices=EndReason, blank=True)
    verified_factor_at = models.DateTimeField(
        null=True, blank=True, help_text="When a second factor was last verified in it."
    )

    objects = UserSessionQuerySet.as_manager()

    audit = AuditSpec(fields=("user", "login_method", "ended_at", "end_reason"), label="id")

    class Meta:
        db_table = "user_sessions"
        ordering = ["-last_activity_at", "-id"]
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="")
                | (Q(ended_at__isnull=False, session_data="") & ~Q(end_reason="")),
                name="users_usersession_ended_check",
            ),
            models.CheckConstraint(
                condition=Q(risk_score__lte=100), name="users_usersession_risk_check"
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-last_activity_at"],
                condition=Q(ended_at=None),
                name="session_user_open_idx",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(ended_at=None), name="session_expiry_idx"
            ),
            models.Index(fields=["-last_activity_at", "-id"], name="session_activity_idx"),
            models.Index(
                fields=["-last_activity_at"],
                condition=Q(is_suspicious=True),
                name="session_suspicious_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.browser or 'Unknown'} session {self.pk}"


class ActivityType(models.TextChoices):
    REQUEST = "request", _("Request")
    SIGN_IN = "sign_in", _("Sign-in")
    SIGN_IN_FAILED = "sign_in_failed", _("Failed sign-in")
    SIGN_OUT = "sign_out", _("Sign-out")


class SessionActivity(models.Model):
    """One request or sign-in event; append-only, kept for a limited time."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        UserSession,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="activities",
        db_index=False,
        help_text="None for requests with an access token.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="activities",
        db_index=False,
    )
    activity_type = models.CharField(max_length=32, choices=ActivityType)
    route = models.CharField(
        max_length=200, blank=True, help_text="The route's name, never the path with its values."
    )
    method = models.CharField(max_length=16, blank=True, help_text="HTTP method.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status.")
    duration_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Milliseconds.")
    client_ip = models.GenericIPAddressField(null=True, blank=True, help_text="Where from.")
    request_id = models.CharField(max_length=64, blank=True, help_text="The X-Request-ID.")
    extra = models.JSONField(default=dict, blank=True, help_text="Details of sign-in events.")
    occurred_at = models.DateTimeField(default=timezone.now, help_text="When it was done.")

    class Meta:
        db_table = "session_activities"
        ordering = ["-id"]
        verbose_name = _("session activity")
        verbose_name_plural = _("session activities")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["user", "-occurred_at"], name="activity_user_idx"),
            models.Index(fields=["session", "-occurred_at"], name="activity_session_idx"),
            models.Index(fields=["-occurred_at"], name="activity_time_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_activity_type_display()} {self.method} {self.route}".strip()
