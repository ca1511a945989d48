"""Every URL of the project."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
]

handler400 = "truledgr.errors.bad_request"
handler403 = "truledgr.errors.permission_denied"
handler404 = "truledgr.errors.page_not_found"
handler500 = "truledgr.errors.server_error"
