"""The settings of the server that is asked: the same, without limits and without slow hashes."""

from truledgr.settings import *  # noqa: F403
from truledgr.settings import ACCOUNT_RATE_LIMITS, INVITATION_RATE_LIMITS, REST_FRAMEWORK

# A crash is answered as in production: Django's own page of it takes a minute to make.
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
ACCOUNT_RATE_LIMITS = dict.fromkeys(ACCOUNT_RATE_LIMITS, "")
INVITATION_RATE_LIMITS = dict.fromkeys(INVITATION_RATE_LIMITS, "")
RATES = dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000000/min")
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": RATES}
