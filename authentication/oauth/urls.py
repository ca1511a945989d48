"""The pages between here and the providers, under allauth's names and addresses.

Those of a provider that is not set up answer 404.
"""

from django.urls import path

from authentication.oauth import views

urlpatterns = [
    path("oidc/<slug:provider_id>/login/", views.sign_in, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", views.callback, name="openid_connect_callback"),
    path("apple/login/", views.sign_in, {"provider_id": "apple"}, name="apple_login"),
    path("apple/login/callback/", views.apple_callback, name="apple_callback"),
    path(
        "apple/login/callback/finish/",
        views.callback,
        {"provider_id": "apple"},
        name="apple_finish_callback",
    ),
]
for provider_id in ("google", "github", "microsoft"):
    own = {"provider_id": provider_id}
    urlpatterns += [
        path(f"{provider_id}/login/", views.sign_in, own, name=f"{provider_id}_login"),
        path(f"{provider_id}/login/callback/", views.callback, own, name=f"{provider_id}_callback"),
    ]
