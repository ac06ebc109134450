"""Writes wider than one row, by noun."""
