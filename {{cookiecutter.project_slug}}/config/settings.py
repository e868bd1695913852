"""Django settings, in the order of ``startproject``. Values come from the environment.

https://docs.djangoproject.com/en/stable/ref/settings/
"""

import django
from environs import validate

{% if cookiecutter.channel_layer == 'memory' %}
from config.env import BASE_DIR, end_on_mistakes, env
{% else %}
from config.env import BASE_DIR, SERVICES_DIR, end_on_mistakes, env
{% endif %}

DEBUG = env.bool("DJANGO_DEBUG", env.bool("DJANGO_DEBUG_DEFAULT", False))  # see manage.py

# Required (``...``) in production. .env.example says how to make one.
SECRET_KEY = env.str(
    "DJANGO_SECRET_KEY",
    "django-insecure-known-to-everyone-and-good-for-development-only" if DEBUG else ...,
    validate=validate.Length(min=50),
)

# Hosts that this site serves. Only their pages may open a WebSocket.
ALLOWED_HOSTS = env.hosts(
    "DJANGO_ALLOWED_HOSTS",
    ".localhost,127.0.0.1,[::1]" if DEBUG else ...,
)

# Proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", "127.0.0.1,::1")


# Application definition

INSTALLED_APPS = [
    "serving",  # before staticfiles: both bring a runserver
    "realtime",
{% if cookiecutter.starter == 'chat' %}
    "chat",
{% endif %}
    "echo",
    "users",
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6,)
    else "csp.middleware.CSPMiddleware",  # of django-csp, on Python 3.11
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "serving.throttle.ThrottlePosts",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ASGI_APPLICATION = "config.asgi.application"


# Real time
# https://channels.readthedocs.io/en/stable/topics/channel_layers.html

{% include 'channel_layer/' ~ cookiecutter.channel_layer ~ '/settings.py' %}

# How many processes ``manage.py serve`` starts.
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", None, validate=validate.Range(min=1))

# Seconds that the process manager waits between SIGTERM and SIGKILL.
GRACE_SECONDS = env.int("GRACE_SECONDS", 10, validate=validate.Range(min=5))

# Limits of every WebSocket: see serving.limits.
WEBSOCKET_MAX_BYTES = 64 * 1024  # of a message
WEBSOCKET_RATE = 5  # messages a second; those above the rate wait
WEBSOCKET_BURST = 20  # messages at once
WEBSOCKET_IDLE_SECONDS = 60  # without a message; pages send one every 25 s
# Sockets of one client address, in each process. Raise it where many people share one,
# as in a company or a school, or where a proxy does not send X-Forwarded-For.
WEBSOCKETS_PER_ADDRESS = 100
{% if cookiecutter.starter == 'chat' or cookiecutter.consumer_style == 'sync' %}
WEBSOCKET_THREADS = 16  # of a process, for handlers that block
{% endif %}
{% include 'starter/' ~ cookiecutter.starter ~ '/settings.py' %}


# Database
{% include 'database/' ~ cookiecutter.database ~ '/settings.py' %}


# Log-ins and posts: see serving.throttle. Limits for each client address, and for each
# account, counted in the cache "throttle".

AUTHENTICATION_BACKENDS = ["serving.throttle.ThrottledBackend"]
{% include 'channel_layer/' ~ cookiecutter.channel_layer ~ '/caches.py' %}

LOGIN_FAILURES = 20  # in five minutes
POSTS_PER_MINUTE = 120


# Users and their passwords
# https://docs.djangoproject.com/en/stable/topics/auth/customizing/

AUTH_USER_MODEL = "users.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]


# Internationalization. Pages are in this language where locale/ has a translation, else in English.
# https://docs.djangoproject.com/en/stable/topics/i18n/translation/

LANGUAGE_CODE = "{{ cookiecutter.language_code }}"
TIME_ZONE = "{{ cookiecutter.timezone }}"
LOCALE_PATHS = [BASE_DIR / "locale"]


# Static files, served by serving.staticfiles in development and production
# https://whitenoise.readthedocs.io/en/stable/django.html

STATIC_URL = "static/"
STATIC_ROOT = env.location("STATIC_ROOT", BASE_DIR / "staticfiles")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "serving.staticfiles.HashedFiles"
    },
}


# HTTPS. Say DJANGO_HTTPS=false only to try production settings without a proxy.
# https://docs.djangoproject.com/en/stable/topics/security/#ssl-https

HTTPS = env.bool("DJANGO_HTTPS", not DEBUG)
# Named after the project: cookies of one host do not differ by port.
SESSION_COOKIE_NAME = "{{ cookiecutter.project_slug }}_sessionid"
CSRF_COOKIE_NAME = "{{ cookiecutter.project_slug }}_csrftoken"
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 3600 if HTTPS else 0  # raise it once HTTPS has proved to work
# HSTS for subdomains and preloading affect the whole domain: decide for yourself.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]


# Content Security Policy: a page loads only what this site serves, and runs no inline script or
# style. The same holds in development, so that a page which breaks it is noticed there.
# https://docs.djangoproject.com/en/stable/ref/csp/

SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],  # WebSockets too
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}  # for django-csp


# Logging: everything to the console, for whatever collects it there. See serving.logs.

LOG_FORMAT = env.str("LOG_FORMAT", "line", validate=validate.OneOf(["line", "json"]))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"bad_requests": {"()": "serving.logs.OneLineForBadRequests"}},
    "formatters": {
        "line": {
            "()": "serving.logs.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "serving.logs.JSONFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["bad_requests"],
            "formatter": LOG_FORMAT,
        },
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
{% if cookiecutter.channel_layer == 'redis_pubsub' and cookiecutter.starter == 'chat' %}
    "loggers": {
        "django": {"level": "INFO"},
        "realtime": {"level": "INFO"},
        "serving": {"level": "INFO"},
        "channels_redis.pubsub": {"level": "CRITICAL"},  # realtime.hub logs failures in one line
    },
{% else %}
    "loggers": {
        "django": {"level": "INFO"},
        "realtime": {"level": "INFO"},
        "serving": {"level": "INFO"},
    },
{% endif %}
}

end_on_mistakes()
