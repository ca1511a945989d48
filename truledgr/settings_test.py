"""The settings of the test run: the same, with what is slow on purpose made fast."""

import os
import tempfile
from pathlib import Path

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
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads of one test then meet the same locks as in production.
    FILE = Path(tempfile.gettempdir()) / f"truledgr-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": str(FILE)}
else:
    # Races are tested by more threads than a process serves.
    DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 24
    # What a crash of the server would lose of a test is worth no wait for the disk.
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
