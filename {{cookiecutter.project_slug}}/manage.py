#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # At this command line we develop, unless DJANGO_DEBUG says otherwise. ``serve`` is
    # production, as is every server that is started without this file.
    if sys.argv[1:2] != ["serve"]:
        os.environ.setdefault("DJANGO_DEBUG_DEFAULT", "true")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
