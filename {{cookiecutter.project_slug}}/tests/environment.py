"""The environment of a test run. Loaded before Django's settings: see pyproject.toml."""

import os
{% if cookiecutter.channel_layer != 'memory' %}
import tempfile
from pathlib import Path

from realtime import embedded_redis
{% endif %}

os.environ.setdefault("DJANGO_DEBUG", "true")
{% if cookiecutter.channel_layer != 'memory' %}
if not os.environ.get("REDIS_URL"):
    # Not the one that runserver uses: each test run has its own.
    os.environ["REDIS_URL"] = embedded_redis.url(Path(tempfile.mkdtemp()))
{% endif %}
