"""The staff's door. Facts that people gave are read here; what may change is little."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

from arena.admin import benchmarks, jobs, submissions, votes
from arena.admin.lists import LargePaginator, ReadOnlyAdmin, log_changes, number_of

__all__ = [
    "LargePaginator",
    "ReadOnlyAdmin",
    "benchmarks",
    "jobs",
    "log_changes",
    "number_of",
    "submissions",
    "votes",
]

# The site's own sign-in, with its rate limit.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Arena"
admin.site.index_title = "Data and work"
