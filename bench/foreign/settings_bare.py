"""Nothing but an app: no content types, no users."""

INSTALLED_APPS = ["django.contrib.sessions", "django.contrib.flatpages", "django.contrib.sites"]
