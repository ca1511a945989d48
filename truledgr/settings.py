"""Settings of every installation; what differs between machines is an environment variable.

With no environment this is a development set-up on SQLite. ``DEBUG=0`` makes it a production
one, which refuses to start until its secrets are set.
"""

import os
from pathlib import Path

from authentication.oauth.environment import read_providers
from truledgr.api_settings import SPECTACULAR_SETTINGS, rest_framework  # noqa: F401 (a setting)
from truledgr.browser_settings import (
    CORS_ALLOW_CREDENTIALS,  # noqa: F401 (a setting, as the next ones)
    CORS_ALLOW_HEADERS,  # noqa: F401
    CORS_ALLOW_METHODS,  # noqa: F401
    CORS_EXPOSE_HEADERS,  # noqa: F401
    CORS_PREFLIGHT_MAX_AGE,  # noqa: F401
    CORS_URLS_REGEX,  # noqa: F401
    content_security_policy,
    cors_allowed_origins,
)
from truledgr.database_settings import database
from truledgr.environment import Environment
from truledgr.log_settings import log_settings
from truledgr.mail_settings import public_url, sender_at
from truledgr.passkey_settings import passkey_domain, passkey_origins
from truledgr.schema_settings import SCHEMATOOLS  # noqa: F401 (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment(os.environ)

DEBUG = env.flag("DEBUG", default=True)

PRODUCTION = "" if DEBUG else "DEBUG is 0, and production never runs on a built-in value."
DEVELOPMENT_SECRET_KEY = "development-only-never-in-production-" + "0123456789abcdefghijk"
LONGEST_IMPERSONATION = 3600
SHORTEST_SECRET_KEY, MINIMUM_VARIETY = 50, 5  # what `check --deploy` asks for
DEVELOPMENT_ENCRYPTION_KEY = "ZGV2ZWxvcG1lbnQtb25seS1uZXZlci1wcm9kdWN0aW8="

SECRET_KEY = env.text("SECRET_KEY", default=DEVELOPMENT_SECRET_KEY, required_because=PRODUCTION)
if not DEBUG and (len(SECRET_KEY) < SHORTEST_SECRET_KEY or len(set(SECRET_KEY)) < MINIMUM_VARIETY):
    env.refuse("SECRET_KEY", f"is too weak. Set {SHORTEST_SECRET_KEY} random characters or more.")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
FIELD_ENCRYPTION_KEYS = env.fernet_keys(
    "FIELD_ENCRYPTION_KEYS", default=DEVELOPMENT_ENCRYPTION_KEY, required_because=PRODUCTION
)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", required_because=PRODUCTION)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# Shown on every page beside the name of the site, so that nobody takes one for the other.
ENVIRONMENT_NAME = env.matching(
    "ENVIRONMENT_NAME",
    r"|[A-Za-z0-9][A-Za-z0-9 ._-]{0,19}",
    default="development" if DEBUG else "",
    example="staging",
)

# --- Applications -------------------------------------------------------------------------

INSTALLED_APPS = [
    "truledgr.apps.TruLedgrConfig",
    "truledgr.apps.TruLedgrAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.microsoft",
    "allauth.socialaccount.providers.apple",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.headless",
    "django_otp",
    "django_otp_webauthn",
    "django_tasks",
    "django_tasks_db",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_extensions",
    "schematools",
    "core",
    "users",
    "authentication",
    "groups",
    "items",
    # Last: its post_migrate handler needs the permissions of every other app.
    "authorization",
]

MIDDLEWARE = [
    # First, so that every response names its request, those of other middleware included.
    "core.middleware.RequestContextMiddleware",
    "truledgr.request_log.RequestLogMiddleware",
    "users.activity.middleware.ActivityMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Outside of all that may refuse a request: a page of another origin sees why.
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "authentication.middleware.SecondFactorMiddleware",
    "authentication.impersonation.middleware.ImpersonationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "users.middleware.DeviceMiddleware",
    # Last: its process_exception() is asked first.
    "truledgr.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "truledgr.urls"
WSGI_APPLICATION = "truledgr.wsgi.application"
ASGI_APPLICATION = "truledgr.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "truledgr.environment_badge.environment_badge",
            ],
        },
    },
]

# --- Databases and cache ------------------------------------------------------------------

DATABASES = {"default": database(env, default_file=BASE_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache("CACHE_URL")}

# --- Signing in ---------------------------------------------------------------------------

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["authorization.backends.RoleBackend"]
# Usernames and e-mail addresses are unique among live rows only, by partial constraints.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

# OWASP's second recommended Argon2id setting is m=19 MiB (19,456 KiB), t=2, p=1: no less.
PASSWORD_HASH_MEMORY = env.number("PASSWORD_HASH_MEMORY", default=19_456, minimum=19_456)
PASSWORD_HASH_PASSES = env.number("PASSWORD_HASH_PASSES", default=2, minimum=2)
PASSWORD_HASHERS = ["users.hashers.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "authentication.passwords.validators.LengthValidator"},
    {"NAME": "authentication.passwords.validators.CommonPasswordValidator"},
    {"NAME": "authentication.passwords.validators.BreachedPasswordValidator"},
    {"NAME": "authentication.passwords.validators.OwnWordsValidator"},
]
# Empty: the shipped lists alone.
BREACHED_PASSWORDS_FILE = env.text("BREACHED_PASSWORDS_FILE")
PASSWORD_CONTEXT_WORDS = env.words("PASSWORD_CONTEXT_WORDS", default=("truledgr",))
# A key of its own for password hashes, newest first; empty: none.
PASSWORD_PEPPERS = env.words("PASSWORD_PEPPERS")
SHORTEST_PEPPER = 32
if any(len(pepper) < SHORTEST_PEPPER for pepper in PASSWORD_PEPPERS):
    env.refuse("PASSWORD_PEPPERS", f"has one of fewer than {SHORTEST_PEPPER} random characters.")

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "authentication.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
SIGNUP_OPEN = env.flag("SIGNUP_OPEN", default=True)
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# What each is for: docs/developer/limits.md. "ip" counts an address (IPv6: its /64 network).
ACCOUNT_RATE_LIMITS = {
    # Counted by authentication.limits: what strangers do, and what a known device does.
    "sign_in": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_known_device": "5/5m/key",
    "bad_token": "60/m/ip",
    "provider": "30/m/ip",  # sign-ins begun at another provider, or by its ID token
    # Counted by allauth.
    "login": "",  # "sign_in" has taken its place
    "signup": "20/m/ip",
    "confirm_email": "1/10s/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reauthenticate": "10/m/user",
}
# Mails that invite into groups: by one inviter, of one group, to one address.
INVITATION_RATE_LIMITS = {"inviter": "30/h/user", "group": "200/d/key", "address": "5/d/key"}
ACCOUNT_FORMS = {
    "login": "authentication.forms.sign_ins.LoginForm",
    "signup": "authentication.forms.accounts.SignUpForm",
    "reset_password": "authentication.forms.accounts.ResetForm",
    "confirm_email_verification_code": "authentication.forms.accounts.VerifyEmailForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "authentication.reset_tokens.ResetTokenGenerator"  # noqa: S105
PASSWORD_RESET_SECONDS = 3_600
# Other providers to sign in with: docs/developer/sign-in-with-other-providers.md
OAUTH_PROVIDERS = read_providers(env, production=not DEBUG)
SOCIALACCOUNT_PROVIDERS = OAUTH_PROVIDERS.settings
SOCIALACCOUNT_ADAPTER = "authentication.oauth.account_adapter.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {
    "signup": "authentication.oauth.managing.SocialSignUpForm",
    "disconnect": "authentication.oauth.managing.UnlinkForm",
}
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5  # seconds for each answer of a provider
HEADLESS_TOKEN_STRATEGY = "authentication.api.headless.TokenStrategy"  # noqa: S105
OTP_TOTP_ISSUER = "TruLedgr"
# Staff and superusers use nothing without a second factor; others by their own mark or a role's.
STAFF_SECOND_FACTOR_REQUIRED = env.flag("STAFF_SECOND_FACTOR_REQUIRED", default=True)
STEP_UP_SECONDS = 600

# The domain that passkeys belong to: changing it makes every one of them useless.
OTP_WEBAUTHN_RP_ID = passkey_domain(env, hosts=ALLOWED_HOSTS, production=not DEBUG)
OTP_WEBAUTHN_RP_NAME = OTP_TOTP_ISSUER
OTP_WEBAUTHN_ALLOWED_ORIGINS = passkey_origins(env, domain=OTP_WEBAUTHN_RP_ID)
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False

SESSION_ENGINE = "users.sessions"
SESSION_COOKIE_AGE = env.number("SESSION_ABSOLUTE_SECONDS", default=24 * 3600, minimum=60)
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", default=3600, minimum=60)
# "Remember me", for those who need no second factor: NIST SP 800-63B-4 has a day at most for AAL2.
SESSION_REMEMBERED_SECONDS = env.number(
    "SESSION_REMEMBERED_SECONDS", default=30 * 24 * 3600, minimum=60
)
SESSION_REMEMBERED_IDLE_SECONDS = env.number(
    "SESSION_REMEMBERED_IDLE_SECONDS", default=7 * 24 * 3600, minimum=60
)
# How long a trusted device skips the second factor; 0: no device is trusted.
DEVICE_TRUST_DAYS = env.number("DEVICE_TRUST_DAYS", default=30)
IMPERSONATION_SECONDS = env.number("IMPERSONATION_SECONDS", default=1800, minimum=60)
if IMPERSONATION_SECONDS > LONGEST_IMPERSONATION:
    env.refuse("IMPERSONATION_SECONDS", f"is more than an hour ({LONGEST_IMPERSONATION}).")
# What staff may change as somebody else, when they have chosen to; everything else is refused.
IMPERSONATION_WRITABLE = ("/api/v1/groups", "/api/v1/items")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
DEVICE_COOKIE_NAME = "device"
DEVICE_TRUST_COOKIE_NAME = "device_trust"
# In the session, which is encrypted: a cookie of their own would name who has signed in.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Browser clients read it and send it back as X-CSRFToken; it opens nothing by itself.
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "truledgr.errors.csrf_failure"

# --- What is noted of sessions --------------------------------------------------------------

# A file in MaxMind's format with cities, such as GeoLite2-City.mmdb; empty: places are unknown.
GEOIP_DATABASE = env.text("GEOIP_DATABASE")
# What each rule of users.risk adds to the score of a session, of 100 at most.
RISK_WEIGHTS = {
    "new_device": 20,
    "new_country": 25,
    "impossible_travel": 50,
    "failures_before_success": 20,
    "known_bad_agent": 30,
    "token_from_other_network": 40,
    "odd_hour": 10,
    "second_factor_just_removed": 30,
}
# From the first on the second factor is asked for again; from the second on the session ends.
RISK_ASK_SCORE = env.number("RISK_ASK_SCORE", default=50, minimum=1)
RISK_END_SCORE = env.number("RISK_END_SCORE", default=90, minimum=1)
if RISK_END_SCORE <= RISK_ASK_SCORE:
    env.refuse("RISK_END_SCORE", f"must be more than RISK_ASK_SCORE ({RISK_ASK_SCORE}).")
# Off in most tests, which count the queries of other things.
ACTIVITY_ON = True
# Activity is written in batches: a killed process loses this much of it at most.
ACTIVITY_SYNC = env.flag("ACTIVITY_SYNC", default=False)
ACTIVITY_FLUSH_SECONDS = env.number("ACTIVITY_FLUSH_SECONDS", default=1, minimum=1)
ACTIVITY_FLUSH_ROWS = env.number("ACTIVITY_FLUSH_ROWS", default=500, minimum=1)

# --- What is kept, and for how long ---------------------------------------------------------

# Days after which `manage.py purge` removes it.
RETENTION_DAYS = {
    "sessions": env.number("RETAIN_SESSIONS_DAYS", default=365, minimum=1),
    "activity": env.number("RETAIN_ACTIVITY_DAYS", default=90, minimum=1),
    "analytics": env.number("RETAIN_ANALYTICS_DAYS", default=1826, minimum=1),
    "tokens": env.number("RETAIN_TOKENS_DAYS", default=90, minimum=1),
    "deleted": env.number("RETAIN_DELETED_DAYS", default=30, minimum=1),
    "tasks": env.number("RETAIN_TASKS_DAYS", default=14, minimum=1),
}
# How long the owner of an account may change their mind after asking for its deletion.
ACCOUNT_DELETION_GRACE_DAYS = env.number("ACCOUNT_DELETION_GRACE_DAYS", default=14, minimum=1)

# --- The API ------------------------------------------------------------------------------

REST_FRAMEWORK = rest_framework(env, debug=DEBUG)

# --- Browsers -----------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = content_security_policy(providers=OAUTH_PROVIDERS.origins)
X_FRAME_OPTIONS = "DENY"
CORS_ALLOWED_ORIGINS = cors_allowed_origins(env, production=not DEBUG)
SECURE_REFERRER_POLICY = "same-origin"
if not DEBUG:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    DEVICE_COOKIE_NAME = "__Host-device"
    DEVICE_TRUST_COOKIE_NAME = "__Host-device-trust"
    CSRF_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    # Load balancers and container engines ask a process itself, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    if env.flag("BEHIND_TLS_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# How many proxies of ours add to X-Forwarded-For; 0 means that the header is not believed.
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", default=0)

# What Prometheus sends for /metrics, which without it is there in development only.
METRICS_TOKEN = env.text("METRICS_TOKEN")
SHORTEST_METRICS_TOKEN = 32
if METRICS_TOKEN and (
    len(METRICS_TOKEN) < SHORTEST_METRICS_TOKEN or len(set(METRICS_TOKEN)) < MINIMUM_VARIETY
):
    env.refuse("METRICS_TOKEN", f"is too weak. Set {SHORTEST_METRICS_TOKEN} random characters.")

# --- Text, time, static files, mail -------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# Mail leaves outside the request; in development and tests at once.
TASKS = {
    "default": {
        "BACKEND": "django_tasks.backends.immediate.ImmediateBackend"
        if DEBUG
        else "django_tasks_db.DatabaseBackend"
    }
}

# Where links in mails lead. Without it, in development, they lead to the host of the request.
PUBLIC_URL: str = public_url(env, hosts=ALLOWED_HOSTS, production=not DEBUG)
mail_server = env.mail_server("EMAIL_URL")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", default=mail_server["EMAIL_BACKEND"])
EMAIL_HOST = mail_server["EMAIL_HOST"]
EMAIL_PORT = mail_server["EMAIL_PORT"]
EMAIL_HOST_USER = mail_server["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = mail_server["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = mail_server["EMAIL_USE_TLS"]
EMAIL_USE_SSL = mail_server["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT", default=10, minimum=1)
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default=sender_at(PUBLIC_URL))

# The largest request body that is read into memory, in bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# The largest file of items that can be imported, in bytes and in rows.
ITEM_IMPORT_MAX_BYTES = env.number("ITEM_IMPORT_MAX_BYTES", default=104_857_600, minimum=1)
ITEM_IMPORT_MAX_ROWS = env.number("ITEM_IMPORT_MAX_ROWS", default=200_000, minimum=1)

LOGGING_CONFIG = "truledgr.log_settings.configure"
LOGGING = log_settings(env, debug=DEBUG)

env.check()
