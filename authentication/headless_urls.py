"""The flows of signing in, for apps (``X-Session-Token``) and browsers (cookie and CSRF)."""

from allauth.headless.constants import Client
from django.urls import include, path

from authentication.headless import build_urlpatterns

app_name = "headless"
urlpatterns = [
    path(f"{client.value}/", include((build_urlpatterns(client), "headless"), client.value))
    for client in (Client.BROWSER, Client.APP)
]
