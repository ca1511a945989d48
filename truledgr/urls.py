"""Every URL of the project."""

from django.contrib import admin
from django.urls import include, path, re_path

from truledgr import health
from truledgr.api_pages import DocsView, SchemaView
from truledgr.errors import unknown_api_url
from truledgr.home import home
from truledgr.metrics.views import metrics
from truledgr.privacy import privacy

urlpatterns = [
    path("", home, name="home"),
    path("privacy/", privacy, name="privacy"),
    path("admin/", admin.site.urls),
    path("accounts/", include("groups.urls")),
    path("accounts/", include("authentication.urls")),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("api/auth/", include("authentication.api.headless_urls")),
    path("api/v1/", include("users.api.urls")),
    path("api/v1/", include("authentication.api.urls")),
    path("api/v1/", include("authorization.api.urls")),
    path("api/v1/", include("groups.api.urls")),
    path("api/v1/", include("items.api.urls")),
    path("api/v1/", include("core.api.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="api-docs"),
    # Last: here and not in handler404, which Django does not ask while DEBUG is on.
    re_path(r"^api(?:/|$)", unknown_api_url),
]

handler400 = "truledgr.errors.bad_request"
handler403 = "truledgr.errors.permission_denied"
handler404 = "truledgr.errors.page_not_found"
handler500 = "truledgr.errors.server_error"
