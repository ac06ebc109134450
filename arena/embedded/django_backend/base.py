"""The connections: each process's first one makes sure that the embedded server runs."""

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base

from arena.embedded import postgres
from arena.embedded.django_backend.client import DatabaseClient
from arena.embedded.places import EmbeddedError


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL's wrapper; a connection that fails looks after the server and tries once more."""

    client_class = DatabaseClient

    def get_new_connection(self, conn_params):
        self._ensure_server()
        try:
            return super().get_new_connection(conn_params)
        except self.Database.OperationalError:
            self._ensure_server(again=True)
            return super().get_new_connection(conn_params)

    def _ensure_server(self, again: bool = False) -> None:
        try:
            postgres.ensure_running(settings.ARENA_HOME, again=again)
        except EmbeddedError as error:
            raise OperationalError(str(error)) from None
