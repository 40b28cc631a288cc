"""One machine, no service needed: the default of `manage.py`, `make demo` and `make serve`.

`DATABASE_URL` and `REDIS_URL` move it to PostgreSQL and Redis.
"""

from csms.settings import backends
from csms.settings.base import *
from csms.settings.env import VAR_DIR, env, local_secret, parse_encryption_keys

CSMS_ENVIRONMENT = "local"
INSTALLED_APPS = [*INSTALLED_APPS, "simulators"]
DEBUG = env.bool("DJANGO_DEBUG", default=False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or local_secret("django-secret-key")
FIELD_ENCRYPTION_KEYS = parse_encryption_keys(
    env.str("FIELD_ENCRYPTION_KEYS", default="") or local_secret("field-encryption-key", "fernet")
)
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

REDIS_URL = env.str("REDIS_URL", default="")
DATABASES = {"default": backends.database(VAR_DIR / "csms.sqlite3")}
CHANNEL_LAYERS = backends.channel_layers(REDIS_URL)
CACHES = backends.caches(REDIS_URL)
globals().update(backends.celery_broker(REDIS_URL, VAR_DIR))

# Nobody is written to by mistake: without a server mails become files.
if not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"

# Nobody is written to by mistake: messages become files as well.
SMS_BACKEND = env.str("SMS_BACKEND", default="csms.common.sms.FileSms")

WHITENOISE_USE_FINDERS = True
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
