"""The audit log: append-only, chained, on the card before the relay moves; see docs/audit.md."""

from gate.audit.errors import CorruptLog, LogFull, LogInUse, LogReadOnly
from gate.audit.log import Store
from gate.audit.query import Query

__all__ = ["CorruptLog", "LogFull", "LogInUse", "LogReadOnly", "Query", "Store"]
