"""Settings shared by every environment. Values from outside come through `env.py` only."""

from datetime import timedelta
from typing import Any

from csms.settings.env import BASE_DIR, VAR_DIR, env
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
    "django.middleware.security.SecurityMiddleware",
    "csms.console.middleware.ContentSecurityPolicyMiddleware",
    "csms.console.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
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
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.EmailBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_ON_SUCCESS = True
# axes would look under the name of the model's field, where `authenticate` puts nothing.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.backends.attempted_username"
AXES_CLIENT_IP_CALLABLE = "csms.common.api.addresses.client_address"
AXES_LOCKOUT_CALLABLE = "csms.console.login.locked_out"
AXES_ENABLE_ADMIN = False
OTP_TOTP_ISSUER = "CSMS"
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

# --- The house's own switches -------------------------------------------------------------------
CSMS_ENVIRONMENT = "base"
OCPP_HEARTBEAT_INTERVAL_SECONDS = env.int("OCPP_HEARTBEAT_INTERVAL_SECONDS", default=300)
# A StopTransaction with a long session's readings may have 2 MB, and is repeated until it is in.
OCPP_MAX_FRAME_BYTES = env.int("OCPP_MAX_FRAME_BYTES", default=4_000_000)
OCPP_CALL_TIMEOUT_SECONDS = env.int("OCPP_CALL_TIMEOUT_SECONDS", default=60)
OCPP_BOOT_GRACE_SECONDS = env.int("OCPP_BOOT_GRACE_SECONDS", default=30)
OCPP_BUSINESS_THREADS = env.int("OCPP_BUSINESS_THREADS", default=8)
OCPP_TELEMETRY_QUEUE_SIZE = env.int("OCPP_TELEMETRY_QUEUE_SIZE", default=10_000)
OCPP_TELEMETRY_BATCH_SIZE = env.int("OCPP_TELEMETRY_BATCH_SIZE", default=1_000)
OCPP_MESSAGE_RETENTION_DAYS = env.int("OCPP_MESSAGE_RETENTION_DAYS", default=90)
READING_RETENTION_DAYS = env.int("READING_RETENTION_DAYS", default=730)
COMMAND_EXPIRY_SECONDS = env.int("COMMAND_EXPIRY_SECONDS", default=300)
DATA_DIR = VAR_DIR
