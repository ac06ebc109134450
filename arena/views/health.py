"""What a service manager or load balancer asks: is this process alive, and can it do its work?"""

from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """/healthz: this process answers. No SQL, so that a database that is down restarts no web server."""
    return _say("ok")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """/readyz: the database answers and its tables are those that this code expects."""
    try:
        missing = unapplied_migrations()
    except DatabaseTrouble:
        return _say("The database does not answer.", status=503)
    if missing:
        return _say(f"Migrations that are not applied: {missing}. Run manage.py migrate.", status=503)
    return _say("The database answers and every migration is applied.")


def unapplied_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _say(sentence: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", content_type="text/plain; charset=utf-8", status=status)
