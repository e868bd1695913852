CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "throttle": {  # not the default cache: in Redis, clear() empties the whole database
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": [REDIS_URL],
        "KEY_PREFIX": "{{ cookiecutter.project_slug }}",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},  # seconds
    },
}
