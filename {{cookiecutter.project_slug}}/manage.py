#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys
from importlib.util import find_spec

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Without DJANGO_DEBUG, the installed dependencies decide: with those for development, every
    # command except ``serve`` runs as development; without them, every command as production.
    has_development_dependencies = find_spec("pytest") is not None
    if has_development_dependencies and sys.argv[1:2] != ["serve"]:
        os.environ.setdefault("DJANGO_DEBUG_DEFAULT", "true")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
