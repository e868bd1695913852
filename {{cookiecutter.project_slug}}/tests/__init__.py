"""The environment of a test run, set before anything reads the settings."""

{% if cookiecutter.channel_layer == 'memory' %}
import os
{% else %}
import atexit
import os
import shutil
import tempfile
from pathlib import Path

from serving import embedded_redis
{% endif %}

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ.setdefault("DJANGO_DEBUG", "true")
{% if cookiecutter.channel_layer != 'memory' %}
if not os.environ.get("REDIS_URL"):
    # Not the one that runserver uses: each test run has its own.
    folder = Path(tempfile.mkdtemp(prefix="valkey-tests-"))
    atexit.register(shutil.rmtree, folder)
    os.environ["REDIS_URL"] = embedded_redis.url(folder)
{% endif %}
