"""The pages between here and a provider."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.apple.apple_session import APPLE_SESSION_COOKIE_NAME
from allauth.socialaccount.providers.apple.views import apple_post_callback
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST


def _adapter(request: HttpRequest, provider_id: str) -> Any:
    """What speaks with a provider; 404 for one that is not set up."""
    try:
        provider = get_adapter(request).get_provider(request, provider_id)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    return provider.get_oauth2_adapter(request)


@never_cache
@require_http_methods(["GET", "POST"])  # HEAD would begin a sign-in without a CSRF token
def sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET asks whether to go to the provider, POST goes."""
    view = OAuth2LoginView.adapter_view(_adapter(request, provider_id))
    response: HttpResponse = view(request)
    return response


@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the provider sends the browser back to."""
    view = OAuth2CallbackView.adapter_view(_adapter(request, provider_id))
    response: HttpResponse = view(request)
    return response


@never_cache
@csrf_exempt  # the state, checked at the next step, is what binds it to the browser
@require_POST
def apple_callback(request: HttpRequest) -> HttpResponse:
    """Apple posts its answer, without our cookies; the next request comes with them."""
    _adapter(request, "apple")
    response: HttpResponse = apple_post_callback(request)
    response.cookies[APPLE_SESSION_COOKIE_NAME]["httponly"] = True
    return response
