"""Writes of what is derived, and the demo, which needs everything."""
