"""The pages of signing in and of the account, under ``/accounts/``: ours, then allauth's own."""

from django.urls import include, path

from authentication.impersonation.views import StopImpersonationView
from authentication.views.codes import OTPView
from authentication.views.devices import (
    DevicesView,
    DistrustDeviceView,
    RenameDeviceView,
    ReportDeviceView,
)
from authentication.views.enrolment import EnrolView
from authentication.views.not_me import NotMeView
from authentication.views.passkeys import AddPasskeyView, UsePasskeyView
from authentication.views.personal_data import (
    AskForDeletionView,
    CancelDeletionView,
    ExportView,
    PersonalDataView,
)
from authentication.views.second_factors import (
    BackupCodesView,
    RemoveFactorView,
    RenameFactorView,
    SecondFactorsView,
)
from authentication.views.sessions import EndOtherSessionsView, EndSessionView, SessionsView
from authentication.views.sign_up import SignUpView
from authentication.views.step_up import StepUpView
from authentication.views.timeline import TimelineView
from authentication.views.tokens import MakeTokenView, RevokeTokenView, TokensView

urlpatterns = [
    path("otp/", OTPView.as_view(), name="account_otp"),
    path("enrol/", EnrolView.as_view(), name="account_enrol_totp"),
    path("step-up/", StepUpView.as_view(), name="account_step_up"),
    # allauth's own asks for the password only.
    path("reauthenticate/", StepUpView.as_view(), name="account_reauthenticate"),
    path("second-factors/", SecondFactorsView.as_view(), name="account_second_factors"),
    path("second-factors/backup-codes/", BackupCodesView.as_view(), name="account_backup_codes"),
    path(
        "second-factors/<str:id>/rename/", RenameFactorView.as_view(), name="account_rename_factor"
    ),
    path(
        "second-factors/<str:id>/remove/", RemoveFactorView.as_view(), name="account_remove_factor"
    ),
    path("passkey/", UsePasskeyView.as_view(), name="account_use_passkey"),
    path("passkey/add/", AddPasskeyView.as_view(), name="account_add_passkey"),
    path("sessions/", SessionsView.as_view(), name="account_sessions"),
    path("sessions/end-others/", EndOtherSessionsView.as_view(), name="account_end_other_sessions"),
    path("sessions/<uuid:pk>/end/", EndSessionView.as_view(), name="account_end_session"),
    path("devices/", DevicesView.as_view(), name="account_devices"),
    path("devices/<uuid:pk>/rename/", RenameDeviceView.as_view(), name="account_rename_device"),
    path(
        "devices/<uuid:pk>/distrust/",
        DistrustDeviceView.as_view(),
        name="account_distrust_device",
    ),
    path("devices/<uuid:pk>/not-me/", ReportDeviceView.as_view(), name="account_report_device"),
    path("timeline/", TimelineView.as_view(), name="account_timeline"),
    path("tokens/", TokensView.as_view(), name="account_tokens"),
    path("tokens/make/", MakeTokenView.as_view(), name="account_make_token"),
    path("tokens/<uuid:pk>/revoke/", RevokeTokenView.as_view(), name="account_revoke_token"),
    path("data/", PersonalDataView.as_view(), name="account_data"),
    path("data/export/", ExportView.as_view(), name="account_export"),
    path("data/delete/", AskForDeletionView.as_view(), name="account_delete"),
    path("data/keep/", CancelDeletionView.as_view(), name="account_keep"),
    path("not-me/<str:token>/", NotMeView.as_view(), name="account_not_me"),
    path("impersonation/stop/", StopImpersonationView.as_view(), name="account_stop_impersonation"),
    path("signup/", SignUpView.as_view(), name="account_signup"),
    path("", include("allauth.account.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    path("", include("authentication.oauth.urls")),
]
