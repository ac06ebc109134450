from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ArenaConfig(AppConfig):
    name = "arena"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A list that cannot be read would fail every endpoint later: it stops the start instead."""
        from arena.engines.guard import parse_allowed

        try:
            parse_allowed(settings.ENDPOINT_ALLOW)
        except ValueError as error:
            raise ImproperlyConfigured(f"ENDPOINT_ALLOW: {error}") from error
