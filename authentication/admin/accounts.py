"""What staff may do for an account on the page of its user: never set or see a password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authentication.services import accounts
from authentication.services.unlocking import unlock_account
from core.admin_base import refusal_text
from core.errors import DomainError
from users.admin import UserAdmin
from users.models import User

CONFIRMATION = "admin/users/user/account_action.html"


@dataclass(frozen=True, slots=True)
class AccountAction:
    """One thing that staff do for accounts. ``run`` answers what was done, for the message."""

    name: str
    label: Any  # translated when it is shown
    explanation: Any
    permission: str
    run: Callable[[HttpRequest, User], str]


def _send_reset_link(request: HttpRequest, user: User) -> str:
    accounts.send_reset_link(actor=_actor(request), user=user)
    return _("A link to set a new password was sent to %s.") % user.email


def _end_sessions(request: HttpRequest, user: User) -> str:
    actor = _actor(request)
    # Nobody ends the session that they are working in: that is what signing out is for.
    keep = request.session.row_id if actor.pk == user.pk else None  # type: ignore[attr-defined]
    count = accounts.end_sessions(actor=actor, user=user, keep=keep)
    return ngettext("%d session was ended.", "%d sessions were ended.", count) % count


def _unlock(request: HttpRequest, user: User) -> str:
    opened = unlock_account(actor=_actor(request), user=user)
    if not opened:
        return _("Nothing was locked.")
    return f"{', '.join(opened)}."


def _require_second_factor(request: HttpRequest, user: User) -> str:
    count = accounts.require_second_factor(actor=_actor(request), user=user)
    ended = ngettext("%d session was ended.", "%d sessions were ended.", count) % count
    return _("A second factor is asked for from now on.") + f" {ended}"


def _actor(request: HttpRequest) -> Any:
    return request.user


ACTIONS = {
    action.name: action
    for action in (
        AccountAction(
            "send_reset_link",
            gettext_lazy("Send a link to set a new password"),
            gettext_lazy(
                "The link goes to the e-mail address of the account, works once and for an hour. "
                "The present password goes on working until it is used."
            ),
            "users.change_user",
            _send_reset_link,
        ),
        AccountAction(
            "end_all_sessions",
            gettext_lazy("End all sessions"),
            gettext_lazy(
                "Everybody who is signed in to the account has to sign in again. Access tokens "
                "go on working: revoke them in their own list."
            ),
            "users.change_usersession",
            _end_sessions,
        ),
        AccountAction(
            "unlock_account",
            gettext_lazy("Unlock"),
            gettext_lazy(
                "Forgets the wrong passwords and wrong codes that were counted, so that the owner "
                "can try again at once. So can whoever entered the wrong ones."
            ),
            "users.change_user",
            _unlock,
        ),
        AccountAction(
            "require_second_factor",
            gettext_lazy("Require a second factor"),
            gettext_lazy(
                "The account can be used only with a second factor from now on. Sessions without "
                "one end; who has none sets one up at the next sign-in."
            ),
            "users.change_user",
            _require_second_factor,
        ),
    )
}


class AccountAdmin(UserAdmin):
    """The page of a user, with buttons for ``ACTIONS``; the list has them as actions."""

    change_form_template = "admin/users/user/change_form.html"
    actions = (*UserAdmin.actions, *ACTIONS)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """A new user is mailed a link; a changed address has to be verified anew."""
        old = form.initial.get("email", "")
        super().save_model(request, obj, form, change)
        actor = _actor(request)
        if not change:
            accounts.invite(actor=actor, user=obj)
            text = _("A link to set a password was sent to %s.") % obj.email
            self.message_user(request, text, messages.SUCCESS)
        elif old.lower() != obj.email.lower():
            accounts.follow_new_address(actor=actor, user=obj, old=old)

    # --- For one account --------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<path:object_id>/account/<slug:name>/",
            self.admin_site.admin_view(self.account_action_view),
            name="users_user_account_action",
        )
        return [act, *super().get_urls()]

    def may_act(self, request: HttpRequest, action: AccountAction, user: User | None) -> bool:
        if not request.user.has_perm(action.permission):
            return False
        return user is None or (not user.is_deleted and self.can_touch(request, user))

    def account_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Say what the action does; do it when that is confirmed."""
        action = ACTIONS.get(name)
        if action is None:
            raise Http404
        user: User | None = self.get_object(request, unquote(object_id))
        if user is None:
            return self.not_found(request, object_id)
        if not self.may_act(request, action, user):
            raise PermissionDenied
        if request.method != "POST":
            return self._confirmation(request, action, [user], reverse_to=user)
        self._run(request, action, [user])
        return HttpResponseRedirect(self.page_of(quote(user.pk)))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        user = kwargs.get("obj")
        if user is not None:
            context["account_actions"] = [
                (action.label, reverse("admin:users_user_account_action", args=[user.pk, name]))
                for name, action in ACTIONS.items()
                if self.may_act(request, action, user)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    # --- For several ------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        for name, action in ACTIONS.items():
            if name in actions and not self.may_act(request, action, None):
                del actions[name]
        return actions

    def _for_selected(
        self, request: HttpRequest, queryset: QuerySet[User], name: str
    ) -> HttpResponse | None:
        action = ACTIONS[name]
        users = list(self.touchable(request, queryset.filter(is_deleted=False)))
        if not users:
            self.message_user(request, _("Nothing was to be done."), messages.WARNING)
            return None
        if "confirmed" not in request.POST:
            return self._confirmation(request, action, users, reverse_to=None)
        self._run(request, action, users)
        return None

    @admin.action(description=ACTIONS["send_reset_link"].label)
    def send_reset_link(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        return self._for_selected(request, queryset, "send_reset_link")

    @admin.action(description=ACTIONS["end_all_sessions"].label)
    def end_all_sessions(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        return self._for_selected(request, queryset, "end_all_sessions")

    @admin.action(description=ACTIONS["unlock_account"].label)
    def unlock_account(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self._for_selected(request, queryset, "unlock_account")

    @admin.action(description=ACTIONS["require_second_factor"].label)
    def require_second_factor(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        return self._for_selected(request, queryset, "require_second_factor")

    # --- Both -------------------------------------------------------------------------------

    def _confirmation(
        self,
        request: HttpRequest,
        action: AccountAction,
        users: list[User],
        *,
        reverse_to: User | None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "action": action,
            "users": users,
            "opts": self.opts,
            "original": reverse_to,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, CONFIRMATION, context)

    def _run(self, request: HttpRequest, action: AccountAction, users: list[User]) -> None:
        """Do it for each; one that is refused does not keep the others from it."""
        for user in users:
            try:
                with transaction.atomic():
                    done = action.run(request, user)
            except DomainError as error:
                self.message_user(request, f"{user}: {refusal_text(error)}", messages.ERROR)
            else:
                self.message_user(request, f"{user}: {done}", messages.SUCCESS)
