"""People who can sign in."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core import audit
from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from users.email_addresses import own_address
from users.permissions import FindsHolders, HasPermissions
from users.validators import validate_language_tag, validate_timezone, validate_web_address


class UserQuerySet(SoftDeleteQuerySet["User"]):
    def active(self) -> Self:
        """Those who may sign in."""
        return self.alive().filter(is_active=True)

    def named(self, identifier: str) -> Self:
        """Users whose username or e-mail address it is, whatever the case; served by an index."""
        column = "email" if "@" in identifier else "username"
        return self.alias(folded=Lower(column)).filter(folded=Lower(Value(identifier)))


class UserManager(FindsHolders, BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
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

    @transaction.atomic
    def create_superuser(self, username: str, email: str, password: str | None = None) -> User:
        """Create a user who may do everything; who can do this vouches for the address, too."""
        user = self.create_user(username, email, password, is_staff=True, is_superuser=True)
        own_address(user, email=user.email, verified=True)
        return user

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
    deletion_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the account is deleted, as its owner asked for."
    )
    anonymised_at = models.DateTimeField(
        null=True, blank=True, help_text="When personal data was removed for good."
    )

    objects = UserManager()

    never_restored = Q(anonymised_at__isnull=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    audit = AuditSpec(
        fields=(
            "username", "email", "password", "first_name", "last_name", "avatar_url", "locale",
            "timezone", "is_active", "is_verified", "verified_by", "is_staff", "is_superuser",
            "totp_required", "deletion_due_at", "anonymised_at",
        ),
        label="username",
        redacted=("password",),
    )  # fmt: skip

    class Meta:
        db_table = "users"
        ordering = ["-id"]
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions = [("impersonate_user", "Can act as another user")]
        indexes = [
            *SoftDeleteModel.Meta.indexes,
            models.Index(fields=["-id"], condition=Q(is_deleted=False), name="user_alive_idx"),
            models.Index(
                fields=["deletion_due_at"],
                condition=Q(deletion_due_at__isnull=False),
                name="user_deletion_due_idx",
            ),
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
