"""A small project with every feature that drift can be about; run in processes of its own."""

import os
from pathlib import Path

BASE_DIR = Path(os.environ.get("PROJECT_DIR", "."))
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["django.contrib.contenttypes", "schematools", "schematools.tests.migrated.depot"]
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{os.environ.get('PROJECT_ENGINE', 'sqlite3')}",
        "NAME": os.environ.get("PROJECT_DATABASE", ":memory:"),
        "HOST": os.environ.get("PROJECT_HOST", ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
