"""Doors for browsers: translate in, one call, translate out."""
