"""The tables of the audit log, and the triggers that make it append-only.

An event is one narrow row. What many events share is written once: `what` (kind, reason, state
before and after) and `origin` (gate, boot, software, model, configuration). `tally` and `quarter`
count the events of each quarter of an hour, so that years can be summed and a time be found
without an index on time; every time zone's hours and days are whole quarters. They are kept by
triggers, in the event's own transaction.

Units: `wall` is UTC milliseconds since 1970, `monotonic` microseconds, `score` and `threshold`
millionths, `waited` milliseconds from the guest's first sight to the grant.
"""

from __future__ import annotations

from sqlalchemy import (
    BLOB,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 1
"""`PRAGMA user_version` of a log that this program writes."""
APPLICATION = 0x534D494C
"""`PRAGMA application_id`: the letters SMIL, so that another program's database is told apart."""
QUARTER_MS = 900_000
"""Milliseconds in a quarter of an hour: the grain of `tally` and `quarter`."""

metadata = MetaData()

what = Table(
    "what",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    UniqueConstraint("kind", "reason", "before", "after"),
    sqlite_strict=True,
)
"""Each combination that has happened; an absent part is ''."""

origin = Table(
    "origin",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("gate", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("threshold", Integer),
    sqlite_strict=True,
)
"""The circumstances of events: the gate, its boot, software, model and settings."""

event = Table(
    "event",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("origin", Integer, ForeignKey("origin.id"), nullable=False),
    Column("what", Integer, ForeignKey("what.id"), nullable=False),
    Column("wall", Integer, nullable=False),
    Column("trusted", Integer, nullable=False),
    Column("monotonic", Integer, nullable=False),
    Column("visit", Integer),
    Column("score", Integer),
    Column("frames", Integer),
    Column("frame", Integer),
    Column("waited", Integer),
    Column("who", Text),
    Column("detail", Text),
    Column("digest", BLOB, nullable=False),
    sqlite_strict=True,
)
"""The log. `digest` chains each row to the one before it: see `gate.audit.chain`."""

Index("event_what", event.c.what)  # SQLite adds the sequence to each entry, so this is in order
Index("event_visit", event.c.visit, sqlite_where=event.c.visit.is_not(None))
Index("event_score", event.c.what, event.c.score, sqlite_where=event.c.score.is_not(None))
Index("event_waited", event.c.wall, event.c.waited, sqlite_where=event.c.waited.is_not(None))
Index("event_who", event.c.who, sqlite_where=event.c.who.is_not(None))

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("digest", BLOB, nullable=False),
    sqlite_strict=True,
)
"""Events that retention may delete, under the sequence number of their `pruned` event.

`visit` is the highest visit number up to then, so that none is given twice."""

tally = Table(
    "tally",
    metadata,
    Column("quarter", Integer, primary_key=True),
    Column("what", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
"""Counts of each row of `what` in a quarter of an hour."""

quarter = Table(
    "quarter",
    metadata,
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    sqlite_strict=True,
)
"""The first and the last event of a quarter of an hour; a clock set back makes them overlap."""

_REFUSE = "SELECT RAISE(ABORT, 'the audit log is append-only')"

TRIGGERS = {
    "event_in_order": f"""
        BEFORE INSERT ON event WHEN NEW.sequence IS NOT 1 + ifnull(
            (SELECT max(sequence) FROM event), ifnull((SELECT max(last) FROM checkpoint), 0))
        BEGIN {_REFUSE}; END""",
    "event_unchanged": f"BEFORE UPDATE ON event BEGIN {_REFUSE}; END",
    "event_kept": f"""
        BEFORE DELETE ON event WHEN OLD.sequence > ifnull((SELECT max(last) FROM checkpoint), 0)
        BEGIN {_REFUSE}; END""",
    "checkpoint_unchanged": f"BEFORE UPDATE ON checkpoint BEGIN {_REFUSE}; END",
    "checkpoint_kept": f"BEFORE DELETE ON checkpoint BEGIN {_REFUSE}; END",
    "what_unchanged": f"BEFORE UPDATE ON what BEGIN {_REFUSE}; END",
    "what_kept": f"BEFORE DELETE ON what BEGIN {_REFUSE}; END",
    "origin_unchanged": f"BEFORE UPDATE ON origin BEGIN {_REFUSE}; END",
    "origin_kept": f"BEFORE DELETE ON origin BEGIN {_REFUSE}; END",
    "event_counted": f"""
        AFTER INSERT ON event BEGIN
            INSERT INTO tally VALUES (NEW.wall / {QUARTER_MS}, NEW.what, 1)
                ON CONFLICT (quarter, what) DO UPDATE SET count = count + 1;
            INSERT INTO quarter VALUES (NEW.wall / {QUARTER_MS}, NEW.sequence, NEW.sequence)
                ON CONFLICT (quarter) DO UPDATE SET last = NEW.sequence;
        END""",
    "event_discounted": f"""
        AFTER DELETE ON event BEGIN
            UPDATE tally SET count = count - 1
                WHERE quarter = OLD.wall / {QUARTER_MS} AND what = OLD.what;
            DELETE FROM tally
                WHERE quarter = OLD.wall / {QUARTER_MS} AND what = OLD.what AND count = 0;
            UPDATE quarter SET first = OLD.sequence + 1 WHERE quarter = OLD.wall / {QUARTER_MS};
            DELETE FROM quarter WHERE quarter = OLD.wall / {QUARTER_MS} AND first > last;
        END""",
}


def trigger_statements() -> list[str]:
    """The CREATE TRIGGER statements."""
    return [f"CREATE TRIGGER {name} {' '.join(body.split())}" for name, body in TRIGGERS.items()]
