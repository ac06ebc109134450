"""Writes of opinions wider than one row, by noun."""
