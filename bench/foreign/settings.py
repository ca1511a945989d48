"""Settings of a foreign project: its own, with schematools and a database of this run.

Run in the foreign project's environment, which says by variables what is wanted.
"""

import json
import os
from importlib import import_module
from pathlib import Path

_project = import_module(os.environ["FOREIGN_SETTINGS"])
globals().update({name: value for name, value in vars(_project).items() if name.isupper()})

BASE_DIR = Path(os.environ["FOREIGN_DIRECTORY"])
SECRET_KEY = "foreign"  # noqa: S105 - of a project that serves nobody
INSTALLED_APPS = [*_project.INSTALLED_APPS, "schematools"]
DATABASES = {"default": json.loads(os.environ["FOREIGN_DATABASE"])}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = getattr(_project, "DEFAULT_AUTO_FIELD", "django.db.models.AutoField")
LANGUAGE_CODE = os.environ.get("FOREIGN_LANGUAGE", "en")
LOGGING_CONFIG = None
USE_TZ = True

# Which apps there are is known only after the settings were read once.
_apps = BASE_DIR / "apps.json"
_found = json.loads(_apps.read_text(encoding="utf-8")) if _apps.exists() else {}
SCHEMATOOLS = {"OUTPUT": "pages", "TITLE": _project.__name__, "MODULES": _found.get("modules", {})}
if "FOREIGN_MIGRATIONS" not in os.environ:  # tables are made as the models are
    MIGRATION_MODULES = dict.fromkeys(_found.get("labels", ()))
