"""All addresses: the arena's own pages, then those of the other apps (named by string), accounts, admin."""

from django.contrib import admin
from django.urls import include, path

from arena.views import benchmarks, health, images, robots, submissions, submit, vote

handler400 = "arena.views.errors.bad_request"
handler403 = "arena.views.errors.permission_denied"
handler404 = "arena.views.errors.not_found"
handler500 = "arena.views.errors.server_error"

urlpatterns = [
    path("vote/<uuid:token>/", vote.show_reveal, name="ballot"),
    path("vote/<uuid:token>/cast/", vote.cast, name="cast"),
    path("vote/<uuid:token>/skip/", vote.skip, name="skip"),
    path("vote/<uuid:token>/undo/", vote.undo, name="undo"),
    path("submit/", submit.submit, name="submit"),
    path("submissions/<int:pk>/go-on/", submissions.go_on, name="go_on"),
    path("submissions/<int:pk>/cancel/", submissions.cancel, name="cancel"),
    path("submissions/<int:pk>/retry/", submissions.retry, name="retry"),
    path("models/<slug:slug>/withdraw/", submissions.withdraw, name="withdraw"),
    path("benchmarks/", benchmarks.index, name="benchmarks"),
    path("benchmarks/new/", benchmarks.new, name="benchmark_new"),
    path("benchmarks/<slug:slug>/", benchmarks.detail, name="benchmark"),
    path("benchmarks/<slug:slug>/template.jsonl", benchmarks.template_file, name="benchmark_template"),
    path("images/<str:sha256>", images.image, name="image"),
    path("robots.txt", robots.rules, name="robots"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("", include("judging.urls")),
    path("", include("leaderboard.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
