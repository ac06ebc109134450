"""Faults of a whole running site: ``python -m tests.faults``."""

BROKERS = ("valkey", "redis", "redis without AOF", "rabbitmq")  # the site's own first
