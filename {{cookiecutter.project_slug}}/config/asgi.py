"""The ASGI application, which every server runs, in development and in production."""

import os

import django
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# A string, since what it names imports models, and those need the setup() above:
# no tool that sorts imports can move it.
application = import_string("config.routing.application")
