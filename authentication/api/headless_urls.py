"""The flows of signing in, for apps (``X-Session-Token``) and browsers (cookie and CSRF)."""

from allauth.headless.constants import Client
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from authentication.api.headless import build_urlpatterns

app_name = "headless"
urlpatterns: list[URLPattern | URLResolver] = [
    # Where allauth's clients look for the document that describes the flows.
    path("openapi.yaml", RedirectView.as_view(pattern_name="schema"), name="openapi_yaml"),
]
urlpatterns += [
    path(f"{client.value}/", include((build_urlpatterns(client), "headless"), client.value))
    for client in (Client.BROWSER, Client.APP)
]
