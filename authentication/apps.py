from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    """Second factors, password resets and personal access tokens."""

    name = "authentication"
    verbose_name = "Authentication"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.core import checks
        from django.db.models import Q
        from django_tasks.base import TaskResultStatus
        from django_tasks_db.models import DBTaskResult

        import authentication.mails.tending  # noqa: F401 - a job of the schedule
        from authentication import sign_ins
        from authentication.passwords.checks import check_password_lists
        from core.encryption import EncryptedColumn, register, values_within

        checks.register(check_password_lists)
        # Letters that have not left: their tasks hold them encrypted.
        unfinished = Q(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])
        register(EncryptedColumn(DBTaskResult, "args_kwargs", unfinished, values_within))
        # record_sign_in() notes the moment, in the transaction of everything else that it notes.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(sign_ins.on_signed_in, dispatch_uid="record_sign_in")
        user_logged_out.connect(sign_ins.on_signed_out, dispatch_uid="record_sign_out")
