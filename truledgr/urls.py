"""Every URL of the project."""

from django.contrib import admin
from django.urls import include, path, re_path

from authentication.account_pages import SignUpView
from authentication.views import (
    BackupCodesView,
    EnrolView,
    OTPView,
    RemoveFactorView,
    RenameFactorView,
    SecondFactorsView,
    StepUpView,
)
from authentication.views.not_me import NotMeView
from authentication.views.passkeys import AddPasskeyView, UsePasskeyView
from truledgr import health
from truledgr.api_pages import DocsView, SchemaView
from truledgr.errors import unknown_api_url
from truledgr.home import home
from truledgr.privacy import privacy

urlpatterns = [
    path("", home, name="home"),
    path("privacy/", privacy, name="privacy"),
    path("admin/", admin.site.urls),
    path("accounts/otp/", OTPView.as_view(), name="account_otp"),
    path("accounts/enrol/", EnrolView.as_view(), name="account_enrol_totp"),
    path("accounts/step-up/", StepUpView.as_view(), name="account_step_up"),
    # allauth's own asks for the password only.
    path("accounts/reauthenticate/", StepUpView.as_view(), name="account_reauthenticate"),
    path(
        "accounts/second-factors/", SecondFactorsView.as_view(), name="account_second_factors"
    ),
    path(
        "accounts/second-factors/backup-codes/",
        BackupCodesView.as_view(),
        name="account_backup_codes",
    ),
    path(
        "accounts/second-factors/<str:id>/rename/",
        RenameFactorView.as_view(),
        name="account_rename_factor",
    ),
    path(
        "accounts/second-factors/<str:id>/remove/",
        RemoveFactorView.as_view(),
        name="account_remove_factor",
    ),
    path("accounts/passkey/", UsePasskeyView.as_view(), name="account_use_passkey"),
    path("accounts/passkey/add/", AddPasskeyView.as_view(), name="account_add_passkey"),
    path("accounts/not-me/<str:token>/", NotMeView.as_view(), name="account_not_me"),
    path("accounts/signup/", SignUpView.as_view(), name="account_signup"),
    path("accounts/", include("authentication.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/3rdparty/", include("allauth.socialaccount.urls")),
    path("accounts/", include("authentication.oauth.urls")),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("api/auth/", include("authentication.headless_urls")),
    path("api/v1/", include("users.api.urls")),
    path("api/v1/", include("authentication.api.urls")),
    path("api/v1/", include("groups.api.urls")),
    path("api/v1/", include("items.api.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="api-docs"),
    # Last: here and not in handler404, which Django does not ask while DEBUG is on.
    re_path(r"^api(?:/|$)", unknown_api_url),
]

handler400 = "truledgr.errors.bad_request"
handler403 = "truledgr.errors.permission_denied"
handler404 = "truledgr.errors.page_not_found"
handler500 = "truledgr.errors.server_error"
