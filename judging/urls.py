"""Addresses of opinions."""

from django.urls import path

from judging import views

urlpatterns = [
    path("matches/<int:pk>/", views.match, name="match"),
    path("judgments/<int:pk>/reasons/", views.ask_why, name="ask_why"),
]
