"""The shell of the embedded database: ``manage.py dbshell``."""

import shutil

from django.conf import settings
from django.db.backends.postgresql import client

from arena.embedded import postgres


class DatabaseClient(client.DatabaseClient):
    """The machine's psql, or the one that came with the embedded server."""

    def runshell(self, parameters):
        postgres.ensure_running(settings.ARENA_HOME)
        super().runshell(parameters)

    @classmethod
    def settings_to_cmd_args_env(cls, settings_dict, parameters):
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        if shutil.which(arguments[0]) is None:
            arguments[0] = str(postgres.find_binaries() / arguments[0])
        return arguments, environment
