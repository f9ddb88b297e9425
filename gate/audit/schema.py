"""The tables of the audit log, and the triggers that make it append-only.

An event is one narrow row. What many events share is written once: `what` (kind, reason, state
before and after) and `origin` (gate, boot, software, model, configuration). `tally` and `quarter`
count the events of each quarter of an hour, so that years can be summed and a time be found
without an index on time; every time zone's hours and days are whole quarters. They are kept by
triggers, in the event's own transaction, and other triggers refuse any other change of them.
`edge` keeps the right edge of the log's Merkle tree, see `gate.audit.tree`.

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

VERSION = 2
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
    Column("words", BLOB),
    sqlite_strict=True,
)
"""The log. `digest` chains each row to the one before it: see `gate.audit.chain`; `words` is the
SHA-256 of who and detail, absent where both are, and before the first `log_begun` event."""

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
    Column("log", BLOB),
    Column("begun", Integer),
    Column("edge", BLOB),
    sqlite_strict=True,
)
"""Events that retention may delete, under the sequence number of their `pruned` event.

`visit` is the highest visit number up to then, so that none is given twice. `log`, `begun` and
`edge` are the log's identity and the right edge of its tree after the event `last`, absent where
that one is older than the log's first `log_begun` event."""

edge = Table(
    "edge",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("log", BLOB, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("hashes", BLOB, nullable=False),
    sqlite_strict=True,
)
"""One row: the log's identity and the right edge of its tree after the newest event."""

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
_NEWEST = "SELECT max(sequence) FROM event"
_OLDEST = "SELECT min(sequence) FROM event"
_PRUNED = "ifnull((SELECT max(last) FROM checkpoint), 0)"
_SAME = " AND ".join(
    f"NEW.{column.name} IS OLD.{column.name}"
    for column in event.c
    if column.name not in ("who", "detail")
)
_ERASED = """EXISTS (SELECT 1 FROM event JOIN what ON what.id = event.what
    WHERE what.kind = 'words_erased' AND json_extract(event.detail, '$.event') = OLD.sequence)"""
_IS_NEWEST = f"""EXISTS (SELECT 1 FROM event WHERE sequence = ({_NEWEST})
    AND wall / {QUARTER_MS} = NEW.quarter"""

_COUNTING = {
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

TRIGGERS_1 = {
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
    **_COUNTING,
}
"""The guards of layout 1, as smile-gate 0.1.0 wrote them."""

# The counts are changed by the two triggers above, the tally before the quarter: so a tally may
# change while the quarter doesn't yet know of the newest event, or still has the one just deleted.
TRIGGERS = TRIGGERS_1 | {
    "event_unchanged": f"""
        BEFORE UPDATE ON event WHEN NEW.who IS NOT NULL OR NEW.detail IS NOT NULL
            OR NEW.words IS NULL OR NOT ({_SAME}) OR NOT {_ERASED}
        BEGIN {_REFUSE}; END""",
    "tally_added": f"""
        BEFORE INSERT ON tally WHEN NEW.count IS NOT 1 OR NOT {_IS_NEWEST} AND what = NEW.what)
            OR EXISTS (SELECT 1 FROM quarter WHERE quarter = NEW.quarter AND last >= ({_NEWEST}))
        BEGIN {_REFUSE}; END""",
    "tally_changed": f"""
        BEFORE UPDATE ON tally WHEN NEW.quarter IS NOT OLD.quarter
            OR NEW.what IS NOT OLD.what OR NOT (
            NEW.count = OLD.count + 1 AND {_IS_NEWEST} AND what = NEW.what) AND EXISTS (
                SELECT 1 FROM quarter WHERE quarter = NEW.quarter AND last < ({_NEWEST}))
            OR NEW.count = OLD.count - 1 AND EXISTS (
                SELECT 1 FROM quarter WHERE quarter = NEW.quarter AND first <= {_PRUNED}
                AND first < ifnull(({_OLDEST}), first + 1)))
        BEGIN {_REFUSE}; END""",
    "tally_kept": f"BEFORE DELETE ON tally WHEN OLD.count IS NOT 0 BEGIN {_REFUSE}; END",
    "quarter_added": f"""
        BEFORE INSERT ON quarter WHEN NEW.first IS NOT NEW.last OR NEW.last IS NOT ({_NEWEST})
            OR NOT {_IS_NEWEST})
            OR EXISTS (SELECT 1 FROM quarter WHERE quarter = NEW.quarter AND last >= NEW.last)
        BEGIN {_REFUSE}; END""",
    "quarter_changed": f"""
        BEFORE UPDATE ON quarter WHEN NEW.quarter IS NOT OLD.quarter OR NOT (
            NEW.first IS OLD.first AND NEW.last > OLD.last AND NEW.last = ({_NEWEST})
                AND {_IS_NEWEST})
            OR NEW.last IS OLD.last AND NEW.first > OLD.first AND NEW.first <= 1 + {_PRUNED}
                AND NEW.first <= ifnull(({_OLDEST}), NEW.first))
        BEGIN {_REFUSE}; END""",
    "quarter_kept": f"BEFORE DELETE ON quarter WHEN OLD.first <= OLD.last BEGIN {_REFUSE}; END",
    "edge_added": f"""
        BEFORE INSERT ON edge WHEN NEW.id IS NOT 1 OR EXISTS (SELECT 1 FROM edge)
            OR NEW.begun + NEW.size - 1 IS NOT ({_NEWEST})
        BEGIN {_REFUSE}; END""",
    "edge_grows": f"""
        BEFORE UPDATE ON edge WHEN NEW.id IS NOT 1 OR NEW.begun + NEW.size - 1 IS NOT ({_NEWEST})
            OR NEW.begun + NEW.size <= OLD.begun + OLD.size
            OR NEW.log IS NOT OLD.log AND NEW.begun < OLD.begun + OLD.size
            OR NEW.log IS OLD.log AND NEW.begun IS NOT OLD.begun
        BEGIN {_REFUSE}; END""",
    "edge_kept": f"BEFORE DELETE ON edge BEGIN {_REFUSE}; END",
}
"""The guards of this layout."""


def trigger_statements(layout: int = VERSION) -> list[str]:
    """The CREATE TRIGGER statements of a layout."""
    triggers = TRIGGERS_1 if layout == 1 else TRIGGERS
    return [f"CREATE TRIGGER {name} {' '.join(body.split())}" for name, body in triggers.items()]
