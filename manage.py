#!/usr/bin/env python
"""The shell's door: ``manage.py help`` lists what there is."""

import os
import sys

if __name__ == "__main__":
    # BLAS threads fight over few cores: a 200 x 200 solve is slower with two than with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is missing in this Python. Run `make setup`, then use .venv/bin/python manage.py.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting with a bad value: its sentence is enough
        sys.exit(str(error))
