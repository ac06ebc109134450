"""Addresses of opinions."""

from django.urls import path

from judging import views

urlpatterns = [path("matches/<int:pk>/", views.match, name="match")]
