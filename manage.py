#!/usr/bin/env python
"""Command line entry point of the Django project."""

import os
import sys

from django.core.management import execute_from_command_line

from config.direct import use_direct_connection

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    use_direct_connection(sys.argv[1:])
    execute_from_command_line(sys.argv)
