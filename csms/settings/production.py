"""Production: refuses to boot without real secrets, hosts, database, Redis and mail server."""

from csms.settings import backends
from csms.settings import env as environment
from csms.settings.base import *
from csms.settings.env import VAR_DIR, env

CSMS_ENVIRONMENT = "production"
DEBUG = False
SECRET_KEY = environment.required_secret_key()
ALLOWED_HOSTS = environment.required_hosts()
FIELD_ENCRYPTION_KEYS = environment.required_encryption_keys()
CSRF_TRUSTED_ORIGINS = env.list(
    "DJANGO_CSRF_TRUSTED_ORIGINS", default=[f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS]
)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"https://{ALLOWED_HOSTS[0].lstrip('.')}")

DATABASES = {
    "default": backends.postgresql(
        environment.required_url(
            "DATABASE_URL", ("postgres", "postgresql"), environment.HOW_TO_DATABASE
        )
    )
}
REDIS_URL = environment.required_url("REDIS_URL", ("redis", "rediss"), environment.HOW_TO_REDIS)
CHANNEL_LAYERS = backends.channel_layers(REDIS_URL)
CACHES = backends.caches(REDIS_URL)
globals().update(backends.celery_broker(REDIS_URL, VAR_DIR))

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# `base` has read it: without a server one-time codes and set-up links would stand in the output.
environment.required_url("EMAIL_URL", environment.MAIL_SCHEMES, environment.HOW_TO_MAIL)
SMS_BACKEND = environment.delivering_sms_backend()

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("DJANGO_SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^healthz$", r"^readyz$", r"^api/health$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

LOG_FORMAT = "json"
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
