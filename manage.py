#!/usr/bin/env python
"""The shell's door: ``manage.py help`` lists what there is."""

import os
import sys


def main() -> None:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command, execute_from_command_line
    from django.db import ProgrammingError, connection
    from psycopg.errors import UndefinedTable

    try:
        try:
            execute_from_command_line(sys.argv)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable):
                raise
            if not settings.EMBEDDED_DATABASE:
                sys.exit("The database has no tables yet, or old ones. Run `manage.py migrate` first.")
            sys.stderr.write("Making the tables of the embedded database.\n")
            connection.close()
            call_command("migrate", interactive=False, verbosity=0)
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting with a bad value: its sentence is enough
        sys.exit(str(error))


if __name__ == "__main__":
    # BLAS threads fight over few cores: a 200 x 200 solve is slower with two than with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")
    try:
        import django  # noqa: F401 -- looked for, to say what to do without it
    except ImportError:
        sys.exit("Django is missing in this Python. Run `make setup`, then use .venv/bin/python manage.py.")
    main()
