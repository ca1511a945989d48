"""The scenarios of accounts and of how they are signed in to; see ``service_scenarios``."""

from __future__ import annotations

from authentication.models import APIToken, BackupCodeDevice
from authentication.services import (
    accounts,
    api_tokens,
    devices,
    linked_accounts,
    password_resets,
    second_factors,
    unlocking,
)
from authentication.tests.clients import make_app, make_backup_codes
from authentication.tests.codes import code_of
from authentication.tests.people import make_user
from truledgr.tests.service_scenarios import Call, root
from users import services as people
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

# --- People -----------------------------------------------------------------------------------


def users_services__update_profile():
    user = UserFactory()
    return Call(
        lambda a: people.update_profile(actor=a, user=user, first_name="Ada"),
        user,
        "update",
        user,
        refused=lambda: people.update_profile(actor=user, user=user, first_name="x" * 200),
    )


def users_services__rename_device():
    device = DeviceFactory()
    return Call(
        lambda a: people.rename_device(actor=a, device=device, name="Laptop"),
        device.user,
        "update",
        device,
        refused=lambda: people.rename_device(actor=device.user, device=device, name="x" * 101),
    )


# --- Signing in -------------------------------------------------------------------------------


def authentication_accounts__change_password():
    user, gone = make_user(), UserFactory(is_active=False)
    password = "another horse battery staple"
    return Call(
        lambda a: accounts.change_password(actor=a, user=user, password=password),
        user,
        "password_changed",
        user,
        refused=lambda: accounts.change_password(actor=user, user=gone, password=password),
    )


def authentication_accounts__follow_new_address():
    user = make_user()
    password_resets.make_reset_token(actor=None, user=user)
    token = user.password_reset_tokens.get()
    return Call(
        lambda a: accounts.follow_new_address(actor=a, user=user, old="old@example.org"),
        root(),
        "revoke",
        token,
        refuses_nothing=True,
    )


def authentication_accounts__invite():
    user, gone = UserFactory(), UserFactory(is_active=False)
    return Call(
        lambda a: accounts.invite(actor=a, user=user),
        root(),
        "send_reset_link",
        lambda _none: user.password_reset_tokens.get(),
        refused=lambda: accounts.invite(actor=user, user=gone),
    )


def authentication_accounts__send_reset_link():
    user, gone = make_user(), UserFactory(is_active=False)
    return Call(
        lambda a: accounts.send_reset_link(actor=a, user=user),
        root(),
        "send_reset_link",
        lambda _none: user.password_reset_tokens.get(),
        refused=lambda: accounts.send_reset_link(actor=user, user=gone),
    )


def authentication_accounts__end_sessions():
    session = UserSessionFactory()
    return Call(
        lambda a: accounts.end_sessions(actor=a, user=session.user),
        root(),
        "revoke",
        session,
        refuses_nothing=True,
    )


def authentication_accounts__require_second_factor():
    user = UserFactory()
    return Call(
        lambda a: accounts.require_second_factor(actor=a, user=user),
        root(),
        "require_second_factor",
        user,
        refuses_nothing=True,
    )


def authentication_api_tokens__create_api_token():
    user = UserFactory()
    return Call(
        lambda a: api_tokens.create_api_token(actor=a, user=user, name="Script"),
        user,
        "create",
        lambda made: made[0],
        refused=lambda: api_tokens.create_api_token(
            actor=user, user=user, name="Script", scopes=["no.such"]
        ),
    )


def authentication_api_tokens__revoke_api_token():
    user = UserFactory()
    token = APIToken.objects.create(user=user, name="x", prefix="x", token_hash=str(user.pk))
    return Call(
        lambda a: api_tokens.revoke_api_token(actor=a, token=token),
        user,
        "revoke",
        token,
        refuses_nothing=True,
    )


def authentication_devices__report_device():
    device = DeviceFactory()
    here = UserSessionFactory(user=device.user, device=device)
    return Call(
        lambda a: devices.report_device(actor=a, device=device, this=None),
        device.user,
        "reported_device",
        device.user,
        refused=lambda: devices.report_device(actor=device.user, device=device, this=here.pk),
    )


def linked(user):
    return linked_accounts.SocialAccount(user=user, provider="corp", uid=str(user.pk))


def authentication_linked_accounts__link_account():
    user, other = make_user(), UserFactory()
    taken = linked(other)
    taken.save()
    again = linked_accounts.SocialAccount(provider="corp", uid=taken.uid)
    return Call(
        lambda a: linked_accounts.link_account(actor=a, account=linked(user), provider="Corp"),
        user,
        "provider_linked",
        user,
        refused=lambda: linked_accounts.link_account(actor=user, account=again, provider="Corp"),
    )


def authentication_linked_accounts__unlink_account():
    user = make_user()
    account, only = linked(user), linked(UserFactory())
    account.save()
    only.save()
    known = {"corp": "Corp"}
    return Call(
        lambda a: linked_accounts.unlink_account(actor=a, account=account, providers=known),
        user,
        "provider_unlinked",
        user,
        refused=lambda: linked_accounts.unlink_account(
            actor=only.user, account=only, providers=known
        ),
    )


def authentication_password_resets__make_reset_token():
    user, gone = make_user(), UserFactory(is_active=False)
    return Call(
        lambda a: password_resets.make_reset_token(actor=a, user=user),
        root(),
        "password_reset_requested",
        lambda made: made[0],
        refused=lambda: password_resets.make_reset_token(actor=user, user=gone),
    )


def authentication_password_resets__revoke_reset_tokens():
    token, _secret = password_resets.make_reset_token(actor=None, user=make_user())
    rows = type(token).objects.filter(pk=token.pk)
    return Call(
        lambda a: password_resets.revoke_reset_tokens(rows, actor=a, reason="Because"),
        root(),
        "revoke",
        token,
        refuses_nothing=True,
    )


def authentication_second_factors__unlock_factors():
    device = locked_app()
    return Call(
        lambda a: second_factors.unlock_factors(actor=a, user=device.user),
        root(),
        "factor_unlocked",
        device,
        refuses_nothing=True,
    )


def locked_app():
    most = second_factors.MOST_WRONG_IN_A_ROW
    return make_app(UserFactory(), throttling_failure_count=most)


def authentication_second_factors__record_step_up():
    user = UserFactory()
    return Call(
        lambda a: second_factors.record_step_up(actor=a),
        user,
        "step_up",
        user,
        refuses_nothing=True,
    )


def authentication_second_factors__start_totp():
    user = UserFactory()
    return Call(
        lambda a: second_factors.start_totp(actor=a, user=user),
        user,
        "create",
        lambda device: device,
        refused=lambda: second_factors.start_totp(actor=user, user=user, name="x" * 200),
    )


def authentication_second_factors__confirm_totp():
    device = make_app(make_user(), confirmed=False)
    code = code_of(device)
    return Call(
        lambda a: second_factors.confirm_totp(actor=a, device=device, code=code),
        device.user,
        "confirm",
        device,
        refused=lambda: second_factors.confirm_totp(actor=device.user, device=device, code="none"),
    )


def authentication_second_factors__rename_app():
    device = make_app(UserFactory())
    return Call(
        lambda a: second_factors.rename_app(actor=a, device=device, name="Tablet"),
        device.user,
        "rename",
        device,
        refused=lambda: second_factors.rename_app(actor=device.user, device=device, name="x" * 200),
    )


def authentication_second_factors__remove_factor():
    device = make_app(make_user())
    kept = make_app(UserFactory(totp_required=True))
    return Call(
        lambda a: second_factors.remove_factor(actor=a, device=device),
        device.user,
        "delete",
        device,
        refused=lambda: second_factors.remove_factor(actor=kept.user, device=kept),
    )


def authentication_second_factors__ensure_backup_codes():
    user = UserFactory()
    return Call(
        lambda a: second_factors.ensure_backup_codes(actor=a, user=user),
        user,
        "replace_codes",
        lambda _codes: BackupCodeDevice.objects.get(user=user),
        refuses_nothing=True,
    )


def authentication_second_factors__replace_backup_codes():
    user, without = make_user(), UserFactory()
    make_app(user)
    make_backup_codes(user)
    return Call(
        lambda a: second_factors.replace_backup_codes(actor=a, user=user),
        user,
        "replace_codes",
        lambda _codes: BackupCodeDevice.objects.get(user=user),
        refused=lambda: second_factors.replace_backup_codes(actor=without, user=without),
    )


def authentication_unlocking__unlock_account():
    device = locked_app()
    return Call(
        lambda a: unlocking.unlock_account(actor=a, user=device.user),
        root(),
        "unlock",
        device.user,
        refuses_nothing=True,
    )
