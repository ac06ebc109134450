"""What the staff's lists share: they stay quick with millions of rows."""

from collections.abc import Iterable
from typing import cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED = 50_000  # rows up to which a list is counted one by one


class LargePaginator(Paginator):
    """Takes the database's own estimate for all rows of a large table, which it need not read for that."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        if not rows.query.where:
            with connection.cursor() as cursor:
                table = rows.model._meta.db_table
                cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
                [estimate] = cursor.fetchone()
            if estimate > COUNTED:
                return estimate
        return rows.count()


def number_of(rows: QuerySet, owner: str, *, of: str = "pk") -> Coalesce:
    """How many of ``rows`` (or of what they have in ``of``) belong to each row of a list by ``owner``."""
    grouped = rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner)
    return Coalesce(Subquery(grouped.annotate(number=Count(of, distinct=of != "pk")).values("number")), 0)


def log_changes(door: admin.ModelAdmin, request: HttpRequest, rows: Iterable[Model], words: str) -> None:
    """Write an action into each row's history."""
    for row in rows:
        door.log_change(request, row, words)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that nobody writes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
