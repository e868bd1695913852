"""The settings of ``startproject`` that matter here, and the tutorial's channel layers."""

import os
from pathlib import Path

SECRET_KEY = "of-a-project-that-answers-to-nobody-but-a-benchmark-on-loopback"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "chat.urls"
ASGI_APPLICATION = "mysite.asgi.application"
INSTALLED_APPS = [
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["SQLITE_PATH"]),
    },
}
USE_TZ = True

# redis-py 8 ends a read after 5 seconds, the time for which the layer waits: without the
# timeout, every idle socket dies, and there is nothing to measure.
_HOST = {"address": os.environ.get("REDIS_URL"), "socket_timeout": 30}
_LAYERS = {
    "memory": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    "redis": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [_HOST]},
    },
    "redis_pubsub": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [_HOST]},
    },
}
CHANNEL_LAYERS = {"default": _LAYERS[os.environ["CHANNEL_LAYER"]]}
