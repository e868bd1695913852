#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # At this command line we develop; ``serve`` alone is production, as is every
    # server started without it. Production says DJANGO_DEBUG=false for all of them.
    if sys.argv[1:2] != ["serve"]:
        os.environ.setdefault("DJANGO_DEBUG", "true")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
