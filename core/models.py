"""What the models of every app are made of, and the audit trail."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.context import Via
from core.ids import uuid7
from core.soft_delete import DELETION_FIELDS, hard_delete, restore_tree, soft_delete_tree


class UUIDModel(models.Model):
    """An entity that people see by id: a UUIDv7 key, which sorts by the moment it was made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(models.Model):
    """When the row was made and last saved, in UTC."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class SoftDeleteModel(models.Model):
    """A row that a delete marks and a restore brings back.

    ``delete()`` on a row, a queryset or in the admin marks the row and everything that a
    database cascade would take along, under one ``deletion_id``; ``restore()`` undoes exactly
    that delete. ``hard_delete()`` removes rows for good. ``save()`` never changes the marks.
    Code and indexes ask ``is_deleted``, never ``deleted_at``.
    """

    is_deleted = models.BooleanField(
        default=False, editable=False, help_text="Out of sight, and can be restored."
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it was deleted; empty while live."
    )
    deletion_id = models.UUIDField(
        null=True,
        blank=True,
        editable=False,
        help_text="One value for all rows that one delete took along.",
    )

    class Meta:
        abstract = True
        indexes = [
            models.Index(
                fields=["deletion_id"],
                condition=Q(is_deleted=True),
                name="%(class)s_deletion_idx",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_deleted=False, deleted_at=None, deletion_id=None)
                | Q(is_deleted=True, deleted_at__isnull=False, deletion_id__isnull=False),
                name="%(app_label)s_%(class)s_deletion_check",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save all but the deletion marks, which belong to ``delete()`` and ``restore()``."""
        named = kwargs.get("update_fields")
        if named is not None and not DELETION_FIELDS.isdisjoint(named):
            raise ValueError("save() does not change deletion marks; call delete() or restore().")
        if named is None and not self._state.adding and not kwargs.get("force_insert"):
            deferred = self.get_deferred_fields()
            kwargs["update_fields"] = [
                field.name
                for field in self._meta.concrete_fields
                if not field.primary_key
                and not field.generated
                and field.name not in DELETION_FIELDS
                and field.attname not in deferred
            ]
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Soft-delete the row and its tree; answer Django's (total, rows by model label).

        Raise ``ProtectedError`` or ``RestrictedError`` as a real delete would. Deleting a
        deleted row changes nothing.
        """
        result = soft_delete_tree(type(self)._base_manager.filter(pk=self.pk))
        self.refresh_from_db(fields=DELETION_FIELDS)
        return result

    def restore(self) -> tuple[int, dict[str, int]]:
        """Bring back the row and what its delete took along; answer as ``delete()`` does.

        Raise ``ConflictError`` when a live row has taken its place, or when a row that it
        belongs to is deleted.
        """
        result = restore_tree(type(self)._base_manager.filter(pk=self.pk))
        self.refresh_from_db(fields=DELETION_FIELDS)
        return result

    async def arestore(self) -> tuple[int, dict[str, int]]:
        return await sync_to_async(self.restore)()

    def hard_delete(self) -> tuple[int, dict[str, int]]:
        """Remove the row and everything that cascades from it for good."""
        return hard_delete(type(self)._base_manager.filter(pk=self.pk))


class AuditEvent(models.Model):
    """One thing that happened: who did what to which object, through which door.

    Append-only: database triggers refuse UPDATE, DELETE and REPLACE. ``core.audit`` writes it,
    ``core.seals`` seals and verifies it.
    """

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField(help_text="The moment of the write, in UTC.")
    action = models.CharField(max_length=64, help_text="A verb, such as create or delete.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,  # audit_actor_idx leads with it
        null=True,
        related_name="+",
        help_text="Who did it; without a database constraint, so that the trail outlives the user.",
    )
    actor_label = models.CharField(
        max_length=254, blank=True, help_text="The actor's username at that moment."
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,  # audit_on_behalf_of_idx leads with it
        null=True,
        related_name="+",
        help_text="The user whom the actor, one of the staff, acted as.",
    )
    # Nullable, so that SQLite adds the column without making the table and its triggers anew.
    on_behalf_of_label = models.CharField(  # noqa: DJ001
        max_length=254, null=True, help_text="The username of that user at that moment."
    )
    via = models.CharField(max_length=16, choices=Via, help_text="The door it came through.")
    session_id = models.UUIDField(null=True, help_text="The session it was done in, if any.")
    request_id = models.CharField(
        max_length=64, blank=True, help_text="The X-Request-ID, or one id for a whole command."
    )
    client_ip = models.GenericIPAddressField(null=True, help_text="The caller's address.")
    app = models.CharField(max_length=100, help_text="App label of the object's model.")
    model = models.CharField(max_length=100, help_text="Lower-case name of the object's model.")
    object_id = models.CharField(max_length=64, help_text="The object's primary key, as text.")
    object_label = models.CharField(
        max_length=200, blank=True, help_text="What the object was called at that moment."
    )
    group_id = models.UUIDField(null=True, help_text="The group that the object belongs to.")
    changes = models.JSONField(
        default=dict,
        help_text='{"field": [before, after]} of an allow-list of fields, secrets redacted.',
    )
    row_hash = models.CharField(
        max_length=64, help_text="SHA-256 of the row's canonical text, in hexadecimal."
    )

    class Meta:
        db_table = "audit_events"
        ordering = ["-id"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["model", "object_id", "-id"], name="audit_object_idx"),
            models.Index(fields=["actor", "-id"], name="audit_actor_idx"),
            models.Index(fields=["action", "-id"], name="audit_action_idx"),
            models.Index(
                fields=["group_id", "-id"],
                condition=Q(group_id__isnull=False),
                name="audit_group_idx",
            ),
            models.Index(fields=["-id"], condition=Q(action="seal"), name="audit_seal_idx"),
            models.Index(
                fields=["on_behalf_of", "-id"],
                condition=Q(on_behalf_of__isnull=False),
                name="audit_on_behalf_of_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.app}.{self.model} {self.object_label or self.object_id}"

    @property
    def action_in_words(self) -> str:
        return self.action.replace("_", " ")
