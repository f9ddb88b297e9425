"""The audit log: append-only, chained, on the card before the relay moves; see docs/audit.md."""

from gate.store.log import Store
from gate.store.query import Query
from gate.store.trouble import CorruptLog, LogFull, LogInUse, LogReadOnly

__all__ = ["CorruptLog", "LogFull", "LogInUse", "LogReadOnly", "Query", "Store"]
