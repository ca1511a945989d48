"""Forms that do what they say through a service: what it refuses stands at the field to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from core.admin_json import JSONObjectField, TextListField
from core.errors import DomainError
from core.reasons import LONGEST_REASON
from groups.models import Group, Invitation, Membership
from groups.services import groups as group_services
from groups.services import invitations as invitation_services
from groups.services import members as member_services

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class ServiceForm(ModelForm):
    """Calls ``perform()`` as the last step of its validation, once, when all else is right.

    The admin validates and saves in one transaction; ``save_model`` has nothing left to do.
    """

    actor: Any = None

    def perform(self) -> models.Model:
        """Do it; answer the row as it is then."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.instance = self.perform()
        except DomainError as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)
        except ValidationError as error:
            self._add_model_errors(error)

    def _add_model_errors(self, error: ValidationError) -> None:
        named = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, texts in named.items():
            for text in texts:
                self.add_error(field if field in self.fields else None, text)


class GroupForm(ServiceForm):
    tags = TextListField(required=False)
    settings = JSONObjectField(required=False)
    # The group as it was read; another one who saved meanwhile is not overwritten.
    read_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Group
        fields = (
            "name", "slug", "description", "group_type", "owner", "is_public", "is_open",
            "max_members", "tags", "settings",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["read_version"] = self.instance.version

    def clean_max_members(self) -> int | None:
        limit: int | None = self.cleaned_data["max_members"]
        if limit is not None and limit < self.instance.member_count:
            text = _("The group has %d members already.")
            raise ValidationError(text % self.instance.member_count)
        return limit

    def perform(self) -> Group:
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name in group_services.CHANGEABLE
        }
        if self.instance._state.adding:
            owner = self.cleaned_data["owner"]
            return group_services.create_group(actor=self.actor, owner=owner, **values)
        version = self.cleaned_data.get("read_version")
        return group_services.update_group(
            actor=self.actor, group=self.instance, version=version, **values
        )


class MembershipForm(ServiceForm):
    """Adds a member, or changes role, rank and end of one."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    class Meta:
        model = Membership
        fields = ("group", "user", "role", "rank", "expires_at", "reason")

    def perform(self) -> Membership:
        data = self.cleaned_data
        given = {name: data[name] for name in ("role", "rank", "expires_at", "reason")}
        if self.instance._state.adding:
            return member_services.add_member(
                actor=self.actor, group=data["group"], user=data["user"], **given
            )
        return member_services.change_member(actor=self.actor, membership=self.instance, **given)


class InvitationForm(ServiceForm):
    """Mails an invitation."""

    class Meta:
        model = Invitation
        fields = ("group", "email", "role", "rank", "membership_expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            self.fields["role"].required = False
            self.fields["role"].help_text = _("The group's default role, when empty.")

    def perform(self) -> Invitation:
        data = self.cleaned_data
        return invitation_services.invite(
            actor=self.actor,
            group=data["group"],
            email=data["email"],
            role=data["role"],
            rank=data["rank"],
            membership_expires_at=data["membership_expires_at"],
        )
