"""The log's fixtures."""

from tests.logs import busy, clock, path, random_log, store

__all__ = ["busy", "clock", "path", "random_log", "store"]
