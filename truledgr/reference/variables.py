"""What each environment variable is for: the words of docs/reference/settings.md.

Type, default and minimum come from the code that reads it; a test holds that the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """``default`` replaces what the code says, ``refused`` adds to what the type refuses.

    ``page`` is where more is said, from docs/.
    """

    says: str
    default: str = ""
    refused: str = ""
    page: str = ""


SESSIONS = "developer/sessions.md"
ACTIVITY = "developer/activity.md"
RETENTION = "developer/retention.md"
PASSWORDS = "developer/passwords.md"
IMPORTS = "developer/import-export.md"
OAUTH = "developer/sign-in-with-other-providers.md"
MAILS = "developer/mails.md"
RISK = "developer/risk.md"
LOG = "developer/logging.md"
LIMITS = "developer/limits.md"

FROM_HOST = "the one host of `ALLOWED_HOSTS`"
NAMED = "none, once `OAUTH_OIDC` has the name"
WHOLE_OR_NONE = "half a provider: all of its variables, or none"

BASICS = {
    "DEBUG": Meaning("`0` in production: then nothing runs on a built-in value."),
    "SECRET_KEY": Meaning(
        "Signs cookies and links.", refused="fewer than 50 characters, or all alike"
    ),
    "SECRET_KEY_FALLBACKS": Meaning("Former secret keys, which still verify."),
    "FIELD_ENCRYPTION_KEYS": Meaning(
        "Encrypt what is secret in the database, newest first: "
        "`openssl rand -base64 32 | tr +/ -_`.",
        page="developer/rotating-encryption-keys.md",
    ),
    "ENVIRONMENT_NAME": Meaning(
        "What the badge in the admin says, such as `staging`; none in production without it."
    ),
    "ALLOWED_HOSTS": Meaning("Host names that are answered."),
    "CSRF_TRUSTED_ORIGINS": Meaning(
        "Origins whose pages may send forms, such as `https://ledger.example`."
    ),
    "CORS_ALLOWED_ORIGINS": Meaning(
        "Origins whose pages may call the API with a token, such as `https://app.example`.",
        default="nobody's",
        page="api/limits-and-cors.md",
    ),
    "PUBLIC_URL": Meaning(
        "Where links in mails lead, such as `https://ledger.example`.",
        default=FROM_HOST,
        refused="none, when `ALLOWED_HOSTS` names several",
        page=MAILS,
    ),
    "TRUSTED_PROXY_COUNT": Meaning(
        "How many proxies of yours add to `X-Forwarded-For`; `0`: the header is not believed."
    ),
    "BEHIND_TLS_PROXY": Meaning("`1`: believe the proxy's `X-Forwarded-Proto`. Production only."),
    "SECURE_SSL_REDIRECT": Meaning("Send plain HTTP to HTTPS. Production only."),
    "SECURE_HSTS_SECONDS": Meaning(
        "How long browsers keep to HTTPS, in seconds. Production only.",
        default="`31536000`, a year",
    ),
}
STORES = {
    "DATABASE_URL": Meaning(
        "`postgres://USER:PASSWORD@HOST:5432/NAME` or `sqlite:///FILE`; behind a pooler of "
        "transactions with `?DISABLE_SERVER_SIDE_CURSORS=True`."
    ),
    "DATABASE_POOL_SIZE": Meaning(
        "Connections a process, on PostgreSQL; `0`: no pool, as in commands."
    ),
    "DATABASE_POOL_TIMEOUT": Meaning("Seconds to wait for one of them."),
    "CACHE_URL": Meaning(
        "`redis://HOST:6379/0`, shared by all processes; rate limits live in it.", page=LIMITS
    ),
}
SIGNING_IN = {
    "SIGNUP_OPEN": Meaning("`0`: people are added by staff only."),
    "STAFF_SECOND_FACTOR_REQUIRED": Meaning("`0`: staff may do without a second factor."),
    "PASSWORD_HASH_MEMORY": Meaning("What Argon2id costs: KiB.", page=PASSWORDS),
    "PASSWORD_HASH_PASSES": Meaning("What Argon2id costs: passes.", page=PASSWORDS),
    "PASSWORD_PEPPERS": Meaning(
        "A key of its own for hashes of passwords, newest first.",
        refused="one of fewer than 32 characters",
        page=PASSWORDS,
    ),
    "PASSWORD_CONTEXT_WORDS": Meaning("Words that no password may consist of.", page=PASSWORDS),
    "BREACHED_PASSWORDS_FILE": Meaning(
        "A larger list of breached passwords than the shipped one.", page=PASSWORDS
    ),
    "PASSKEY_DOMAIN": Meaning(
        "The domain that passkeys belong to, for ever.",
        default=f"{FROM_HOST}; in development `localhost`",
        refused="an IP address, and none when `ALLOWED_HOSTS` names several",
    ),
    "PASSKEY_ORIGINS": Meaning(
        "Origins whose pages may ask for a passkey.",
        default="`https://` and the domain; in development `localhost` on ports 8000 to 8099",
        refused="origins outside the domain, or without TLS",
    ),
}
LENGTHS = {
    "SESSION_IDLE_SECONDS": Meaning(
        "A session ends after as long without a request.", page=SESSIONS
    ),
    "SESSION_ABSOLUTE_SECONDS": Meaning("A session ends after as long in any case.", page=SESSIONS),
    "SESSION_REMEMBERED_IDLE_SECONDS": Meaning("The same, with “remember me”.", page=SESSIONS),
    "SESSION_REMEMBERED_SECONDS": Meaning("The same, with “remember me”.", page=SESSIONS),
    "DEVICE_TRUST_DAYS": Meaning(
        "How long a trusted device skips the second factor; `0`: never.", page=SESSIONS
    ),
    "IMPERSONATION_SECONDS": Meaning(
        "How long staff may act as somebody else.",
        refused="more than an hour (3600)",
        page="developer/impersonation.md",
    ),
}
WATCHING = {
    "GEOIP_DATABASE": Meaning(
        "A file of cities in MaxMind's format; without it places are unknown.", page=RISK
    ),
    "RISK_ASK_SCORE": Meaning(
        "From this score on the second factor is asked for again.", page=RISK
    ),
    "RISK_END_SCORE": Meaning(
        "From this score on the session ends.",
        refused="what is not above `RISK_ASK_SCORE`",
        page=RISK,
    ),
    "ACTIVITY_SYNC": Meaning(
        "`1`: write activity in the request; a crash loses none.", page=ACTIVITY
    ),
    "ACTIVITY_FLUSH_SECONDS": Meaning("How long activity waits in memory.", page=ACTIVITY),
    "ACTIVITY_FLUSH_ROWS": Meaning("How many rows of it wait at most.", page=ACTIVITY),
    "METRICS_TOKEN": Meaning(
        "What Prometheus sends as bearer token; without it there are no metrics in production.",
        refused="fewer than 32 characters, or all alike",
        page="operations/monitoring.md",
    ),
    "METRICS_DIRECTORY": Meaning(
        "Where the processes of a server keep what they count.",
        default="`/dev/shm`, or the directory of temporary files",
        page="operations/monitoring.md",
    ),
    "LOG_LEVEL": Meaning("`DEBUG` is for the project's own loggers only.", page=LOG),
    "LOG_FORMAT": Meaning("A JSON object a line, or text for people.", page=LOG),
}
KEEPING = {
    "RETAIN_SESSIONS_DAYS": Meaning("Sessions that have ended.", page=RETENTION),
    "RETAIN_ACTIVITY_DAYS": Meaning("What was done in sessions.", page=RETENTION),
    "RETAIN_ANALYTICS_DAYS": Meaning("Counts by day.", page=RETENTION),
    "RETAIN_TOKENS_DAYS": Meaning("Tokens and reset links that have ended.", page=RETENTION),
    "RETAIN_DELETED_DAYS": Meaning(
        "What was deleted, and can be restored until then.", page=RETENTION
    ),
    "RETAIN_TASKS_DAYS": Meaning("Tasks that are done.", page=RETENTION),
    "ACCOUNT_DELETION_GRACE_DAYS": Meaning(
        "Between asking for deletion and losing the account.", page="developer/personal-data.md"
    ),
}
API = {
    "THROTTLE_ANONYMOUS": Meaning("Requests of an address that is not signed in.", page=LIMITS),
    "THROTTLE_USER": Meaning("Requests of one user.", page=LIMITS),
    "ITEM_IMPORT_MAX_BYTES": Meaning("The largest file of items.", page=IMPORTS),
    "ITEM_IMPORT_MAX_ROWS": Meaning("The most items in one file.", page=IMPORTS),
}
MAIL = {
    "EMAIL_URL": Meaning(
        "`smtp+tls://USER:PASSWORD@HOST:587`, `smtp+ssl://…` or `smtp://…`.", page=MAILS
    ),
    "EMAIL_BACKEND": Meaning(
        "Another of Django's mail backends than the one of `EMAIL_URL`.", default="by `EMAIL_URL`"
    ),
    "EMAIL_TIMEOUT": Meaning("Seconds to wait for the mail server.", page=MAILS),
    "DEFAULT_FROM_EMAIL": Meaning(
        "Who mails are from.", default="`TruLedgr <no-reply@HOST>`, of `PUBLIC_URL`", page=MAILS
    ),
}
PROVIDERS = {
    "OAUTH_GOOGLE_CLIENT_ID": Meaning("Google.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_GOOGLE_CLIENT_SECRET": Meaning("Google.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_GOOGLE_APP_CLIENT_IDS": Meaning("Phone apps whose ID tokens are accepted.", page=OAUTH),
    "OAUTH_GITHUB_CLIENT_ID": Meaning("GitHub.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_GITHUB_CLIENT_SECRET": Meaning("GitHub.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_MICROSOFT_CLIENT_ID": Meaning("Microsoft.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_MICROSOFT_CLIENT_SECRET": Meaning("Microsoft.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_MICROSOFT_TENANT": Meaning(
        "Whose accounts: the id of a tenant, `common`, `organizations` or `consumers`.",
        refused="anything else",
        page=OAUTH,
    ),
    "OAUTH_APPLE_CLIENT_ID": Meaning("Apple.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_APPLE_TEAM_ID": Meaning("Apple.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_APPLE_KEY_ID": Meaning("Apple.", refused=WHOLE_OR_NONE, page=OAUTH),
    "OAUTH_APPLE_PRIVATE_KEY": Meaning(
        "The text of the key's file; line breaks may be written `\\n`.",
        refused="what is no private key on the curve P-256",
        page=OAUTH,
    ),
    "OAUTH_APPLE_APP_CLIENT_IDS": Meaning("Phone apps whose ID tokens are accepted.", page=OAUTH),
    "OAUTH_OIDC": Meaning(
        "Names of OpenID Connect issuers. Each has the variables below, with its name for `NAME`.",
        refused="names that are no part of an address, or stand twice",
        page=OAUTH,
    ),
    "OAUTH_OIDC_NAME_ISSUER": Meaning(
        "The issuer as its tokens spell it.", default=NAMED, refused="what is not https", page=OAUTH
    ),
    "OAUTH_OIDC_NAME_CLIENT_ID": Meaning("As the issuer has given it.", default=NAMED, page=OAUTH),
    "OAUTH_OIDC_NAME_CLIENT_SECRET": Meaning(
        "As the issuer has given it.", default=NAMED, page=OAUTH
    ),
    "OAUTH_OIDC_NAME_NAME": Meaning(
        "What the button says.", default="the name, with a capital", page=OAUTH
    ),
    "OAUTH_OIDC_NAME_ORIGINS": Meaning(
        "Other origins that a sign-in there goes through.", refused="what is no origin", page=OAUTH
    ),
    "OAUTH_OIDC_NAME_TRUST_EMAIL": Meaning(
        "Whether its addresses of people count as verified.", page=OAUTH
    ),
    "OAUTH_OIDC_NAME_APP_CLIENT_IDS": Meaning(
        "Phone apps whose ID tokens are accepted.", page=OAUTH
    ),
}
SERVER = {
    "WEB_CONCURRENCY": Meaning(
        "Processes; without a shared cache each would count tries for itself.",
        default="one more than there are cores, 8 at most; `1` without `CACHE_URL`",
        page=LOG,
    ),
    "WEB_THREADS": Meaning("Of each process; not more than `DATABASE_POOL_SIZE`.", page=LOG),
    "WEB_TIMEOUT": Meaning(
        "Seconds after which a process that does not answer is killed.", page=LOG
    ),
    "WEB_GRACEFUL_SECONDS": Meaning("For requests to end when the server stops.", page=LOG),
}

SECTIONS: dict[str, dict[str, Meaning]] = {
    "The installation": BASICS,
    "Database and cache": STORES,
    "Signing in": SIGNING_IN,
    "How long sessions last": LENGTHS,
    "What is watched and logged": WATCHING,
    "What is kept, and for how long": KEEPING,
    "The API": API,
    "Mail": MAIL,
    "Other providers": PROVIDERS,
    "The server": SERVER,
}
