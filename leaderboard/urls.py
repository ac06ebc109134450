"""Addresses of what follows from votes and judgments."""

from django.urls import path

from leaderboard.views import board, charts, home, judges, methods, models, queue, snapshots, submission

urlpatterns = [
    path("", home.home, name="vote"),
    path("leaderboard/", board.leaderboard, name="leaderboard"),
    path("leaderboard/charts/", charts.charts, name="charts"),
    path("models/", models.index, name="models"),
    path("models/<slug:slug>/", models.detail, name="model"),
    path("judges/", judges.index, name="judges"),
    path("judges/<slug:slug>/", judges.detail, name="judge"),
    path("snapshots/", snapshots.index, name="snapshots"),
    path("snapshots/<int:number>/", snapshots.detail, name="snapshot"),
    path("snapshots/<int:number>/export.zip", snapshots.export, name="snapshot_export"),
    path("queue/", queue.queue, name="queue"),
    path("queue/operate/", queue.operate, name="operate"),
    path("submissions/<int:pk>/", submission.status, name="submission"),
    path("methods/", methods.methods, name="methods"),
]
