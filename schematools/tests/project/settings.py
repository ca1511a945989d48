"""A small project with everything that is awkward to document; run in processes of its own."""

import os
from pathlib import Path

BASE_DIR = Path(os.environ.get("PROJECT_DIR", "."))
SECRET_KEY = "for tests alone"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "schematools",
    "schematools.tests.project.shop",
    "schematools.tests.project.billing",
]
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{os.environ.get('PROJECT_ENGINE', 'sqlite3')}",
        "NAME": os.environ.get("PROJECT_DATABASE", ":memory:"),
        "HOST": os.environ.get("PROJECT_HOST", ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LANGUAGE_CODE = os.environ.get("PROJECT_LANGUAGE", "en")
SCHEMATOOLS = {
    "OUTPUT": "docs",
    "VIEWPOINTS": {"sales": ["shop_order", "billing.*"]},
    "HIDE": ["shop_photo"] if os.environ.get("PROJECT_HIDES") else [],
}
