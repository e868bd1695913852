"""The environment of a test run, set before anything reads the settings."""

{% if cookiecutter.channel_layer == 'memory' %}
import os
{% else %}
import atexit
import os
import shutil
import tempfile
from pathlib import Path

from serving.embedded_redis import SOCKET_NAME
{% endif %}

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ.setdefault("DJANGO_DEBUG", "true")
{% if cookiecutter.channel_layer != 'memory' %}
VALKEY: Path | None = None  # the folder of this test run's own, which conftest.py starts
if not os.environ.get("REDIS_URL"):
    VALKEY = Path(tempfile.mkdtemp(prefix="valkey-tests-"))
    atexit.register(shutil.rmtree, VALKEY, ignore_errors=True)
    os.environ["REDIS_URL"] = f"unix://{VALKEY}/{SOCKET_NAME}"
{% endif %}
