"""Django with django-guardian, on a database of the same kind and options as ours."""

from truledgr.settings import DATABASES, SECRET_KEY

__all__ = ["DATABASES", "SECRET_KEY"]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "guardian",
    "guardian_project",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# All tables at once: foreign keys to those of migrated apps would come too early.
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "guardian": None}
