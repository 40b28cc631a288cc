"""Tests: PostgreSQL and Redis where `DATABASE_URL` and `REDIS_URL` say so, embedded otherwise."""

import tempfile
from pathlib import Path

from csms.settings import backends
from csms.settings.base import *
from csms.settings.env import env

CSMS_ENVIRONMENT = "test"
INSTALLED_APPS = [*INSTALLED_APPS, "simulators"]
SECRET_KEY = "test-only-" + "k" * 60
# A fixed key, so that a failing example can be replayed; it protects nothing outside a test run.
FIELD_ENCRYPTION_KEYS = ["dGVzdC1vbmx5LWtleS10ZXN0LW9ubHkta2V5LTEyMzQ="]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

# Runs beside each other on one machine keep apart by this suffix.
_suffix = env.str("TEST_SUFFIX", default="")
_folder = Path(tempfile.gettempdir()) / f"csms-tests{_suffix}"
_folder.mkdir(exist_ok=True)
DATA_DIR = _folder
REDIS_URL = env.str("REDIS_URL", default="")
DATABASES = {"default": backends.database(_folder / "csms.sqlite3")}
# A file, not memory: the gateway's threads need connections of their own to the same database.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_csms{_suffix}"}
CHANNEL_LAYERS = backends.channel_layers(REDIS_URL)
CACHES = backends.caches(REDIS_URL)
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True

SMS_BACKEND = "csms.common.sms.MemorySms"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "chargepoints.hashers.StationPasswordHasher",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
LOG_FORMAT = "text"
LOG_LEVEL = "WARNING"
