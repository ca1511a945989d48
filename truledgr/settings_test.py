"""The settings of the test run: the same, with what is slow on purpose made fast."""

import os
import tempfile
from pathlib import Path

from truledgr.api_settings import JSON_RENDERER
from truledgr.settings import *  # noqa: F403
from truledgr.settings import DATABASES, REST_FRAMEWORK

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests of other things sign staff in without one; those of the requirement turn it on.
STAFF_SECOND_FACTOR_REQUIRED = False
# Tests of activity turn it on, by the fixture of that name.
ACTIVITY_ON = False
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Tests turn DEBUG off, and nobody has run collectstatic.
WHITENOISE_AUTOREFRESH = True
REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": [JSON_RENDERER],  # as in production
}

# What a crash of the machine would lose of a test is worth no wait for the disk.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    OPTIONS = DATABASES["default"]["OPTIONS"]
    commands = f"{OPTIONS['init_command']} PRAGMA synchronous=OFF;"
    DATABASES["default"]["OPTIONS"] = OPTIONS | {"init_command": commands}
    # A file, not memory: threads of one test then meet the same locks as in production.
    FILE = Path(tempfile.gettempdir()) / f"truledgr-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(FILE)}
else:
    # Races are tested by more threads than a process serves.
    if "pool" in DATABASES["default"]["OPTIONS"]:  # manage.py has none
        DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 24
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
