"""Many libraries in one project, and an app that uses what is awkward about them."""

INSTALLED_APPS = [
    "modeltranslation",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sites",
    "django.contrib.flatpages",
    "django.contrib.redirects",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "polymorphic",
    "mptt",
    "guardian",
    "taggit",
    "simple_history",
    "reversion",
    "django_celery_beat",
    "django_celery_results",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "oauth2_provider",
    "easy_thumbnails",
    "parler",
    "djmoney",
    "djmoney.contrib.exchange",
    "phonenumber_field",
    "django_countries",
    "timezone_field",
    "auditlog",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_email",
    "django_otp.plugins.otp_hotp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "constance",
    "waffle",
    "cities_light",
    "django_ledger",
    "filer",
    "treebeard",
    "sekizai",
    "sorl.thumbnail",
    "django_nyt",
    "wiki",
    "wiki.plugins.attachments",
    "wiki.plugins.images",
    "wiki.plugins.links",
    "wiki.plugins.notifications",
    "zoo",
]
AUTH_USER_MODEL = "zoo.Person"
OAUTH2_PROVIDER_APPLICATION_MODEL = "zoo.Application"
CONSTANCE_CONFIG = {"LIMIT": (1, "How many.")}
CURRENCIES = ("EUR", "USD", "CHF")
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("pt-br", "Português")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
PARLER_LANGUAGES = {None: ({"code": "en"}, {"code": "de"})}
ROOT_URLCONF = "zoo"
SITE_ID = 1
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
