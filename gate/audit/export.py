"""Exports of events: CSV, SQLite or Parquet, with a manifest of the file's content."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from gate.audit import export_csv, schema
from gate.audit.chain import START
from gate.audit.errors import explaining
from gate.audit.export_format import Format
from gate.audit.export_row import COLUMNS, Flat, erased, flat
from gate.audit.identity import read_edge, rules
from gate.audit.migrations import expect_current
from gate.audit.query import PAGE, Query, page, span
from gate.audit.session import Session
from gate.audit.watch import Watch, unwatched
from gate.errors import StoreError
from gate.system import durable
from gate.system.extras import install


@dataclass(slots=True)
class Tally:
    """Counts the rows of an export while they are written."""

    events: int = 0
    first: int | None = None
    last: int | None = None
    continuous: bool = True
    """Whether no event is left out between two rows."""
    previous: str | None = None
    """Digest before the first row, in hex."""
    digest: str | None = None
    """Digest of the last row, in hex."""
    rule_2_from: int | None = None
    """Number of the first row by rule 2, see `gate.audit.chain`; None where there is none."""
    erased: list[int] = field(default_factory=list)
    """Numbers of the rows whose words an event in the log says were erased."""

    def count(self, rows: Iterable[Flat]) -> Iterator[Flat]:
        """Count the rows and hand them on."""
        for row in rows:
            if self.first is None:
                self.first, self.previous = row["sequence"], row["previous"]
            elif row["sequence"] != (self.last or 0) + 1:
                self.continuous = False
            if self.rule_2_from is None and row["rule"] == 2:
                self.rule_2_from = row["sequence"]
            if erased(row):
                self.erased.append(row["sequence"])
            self.events += 1
            self.last, self.digest = row["sequence"], row["digest"]
            yield row


def export(
    session: Session,
    query: Query,
    target: Path,
    form: Format,
    now: datetime,
    *,
    for_spreadsheet: bool = False,
    bom: bool = False,
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Write the events that match to `target`, and its manifest beside it; returns the manifest.

    Both are new files for their owner only; no link is followed. With `bom` a CSV file begins with
    a byte-order mark. `for_spreadsheet` (CSV only) has one too, and an apostrophe before what a
    spreadsheet would take for a formula: such a file can be read by people, and not be verified.
    `watch` is told how far in the log it has come.

    Raises StoreError; then neither file is there, or they are as they were.
    """
    if (for_spreadsheet or bom) and form is not Format.CSV:
        raise StoreError(f"export {target}: only CSV can be for a spreadsheet; say --format csv")
    for place in (target, manifest_path(target)):
        if place.is_symlink():
            raise StoreError(f"export {place}: a link is there; choose another name")
    expect_current(session)
    tally = Tally()
    partial = target.with_name(target.name + ".partial")
    with explaining(str(target), "export"):
        try:
            partial.unlink(missing_ok=True)
            rows = tally.count(_flat_rows(session, query, watch))
            if form is Format.CSV:
                shown = map(harmless, rows) if for_spreadsheet else rows
                _write_csv(partial, shown, bom=bom or for_spreadsheet)
            else:
                _WRITERS[form](partial, rows)
            manifest = {
                "file": target.name,
                "format": form.value,
                "sha256": sha256_of(partial),
                "made": now.isoformat(timespec="seconds"),
                "query": _said(query),
                "log": _log(session),
                **{name: getattr(tally, name) for name in Tally.__slots__},
                **({"verifiable": False} if for_spreadsheet else {}),
            }
            durable.sync_file(partial)
            durable.publish(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        said = (json.dumps(manifest, indent=2) + "\n").encode()
        durable.write(manifest_path(target), said, mode=durable.PRIVATE)
    return manifest


def harmless(row: Flat) -> Flat:
    """The row with an apostrophe before each text that a spreadsheet would calculate."""
    return {
        name: f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
        for name, value in row.items()
    }


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _log(session: Session) -> str | None:
    """The log's identity, in hex."""
    with session.reading() as connection:
        edge = read_edge(connection)
    return None if edge is None else edge.log.hex()


def manifest_path(target: Path) -> Path:
    """The path of the manifest of an export."""
    return target.with_name(target.name + ".manifest.json")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flat_rows(session: Session, query: Query, watch: Watch = unwatched) -> Generator[Flat]:
    """The rows that match, each with the digest of the event before it."""
    last, digest = START.sequence, START.digest
    with session.reading() as connection:
        second = rules(connection).second
        first, end = span(connection, query) or (1, 0)
    while True:
        with session.reading() as connection:
            found = page(connection, query, PAGE)
            for row in found:
                known = digest if row["sequence"] == last + 1 else None
                before = known or digest_before(connection, row["sequence"])
                last, digest = row["sequence"], row["digest"]
                yield flat(row, before, 2 if row["sequence"] >= second else 1)
        if len(found) < PAGE:
            return
        watch("exporting", last - first, end - first)
        query = replace(query, after=last)


def digest_before(connection: Connection, sequence: int) -> bytes | None:
    """The digest of the event before this one, also of one that retention deleted."""
    for table, number in (
        (schema.event, schema.event.c.sequence),
        (schema.checkpoint, schema.checkpoint.c.last),
    ):
        found = connection.execute(select(table.c.digest).where(number == sequence - 1)).scalar()
        if found is not None:
            return bytes(found)
    return None


def _said(query: Query) -> dict[str, Any]:
    """The conditions of the query that are set, for the manifest."""
    said: dict[str, Any] = {}
    for name in Query.__slots__:
        value = getattr(query, name)
        if isinstance(value, datetime):
            said[name] = value.isoformat()
        elif isinstance(value, frozenset):
            said |= {name: sorted(value)} if value else {}
        elif value is not None:
            said[name] = value
    return said


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an export in CSV, for who takes it in pieces."""

    text: str
    tally: dict[str, Any]
    """The `Tally` of all pieces so far: what the next one begins with."""
    query: dict[str, Any]
    """The conditions, as the manifest has them."""
    log: str | None
    """The log's identity, in hex."""
    more: bool
    """Whether another piece follows."""


def csv_piece(session: Session, query: Query, so_far: dict[str, Any] | None, length: int) -> Piece:
    """The next rows of an export, of about so many characters.

    `so_far` is the tally of the piece before; the first piece, with None, names the columns.
    """
    tally = Tally(**so_far) if so_far is not None else Tally()
    rest = query if tally.last is None else replace(query, after=tally.last)
    text, more = io.StringIO(newline=""), False
    with closing(_flat_rows(session, rest)) as rows:
        for _ in export_csv.write(text, tally.count(rows), header=so_far is None):
            more = text.tell() >= length
            if more:
                break
    return Piece(text.getvalue(), asdict(tally), _said(query), _log(session), more)


def _write_csv(path: Path, rows: Iterable[Flat], *, bom: bool) -> None:
    with io.TextIOWrapper(durable.create(path), encoding="utf-8", newline="") as file:
        file.write(export_csv.BYTE_ORDER_MARK if bom else "")
        for _ in export_csv.write(file, rows):
            pass


def _write_sqlite(path: Path, rows: Iterable[Flat]) -> None:
    kinds = {int: "INTEGER", str: "TEXT"}
    columns = ", ".join(f'"{name}" {kinds[kind]}' for name, kind in COLUMNS.items())
    slots = ", ".join(f":{name}" for name in COLUMNS)
    durable.create(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=MEMORY")  # no other file for a link to stand at
        connection.execute(f"CREATE TABLE event ({columns}, PRIMARY KEY (sequence)) STRICT")
        connection.executemany(f"INSERT INTO event VALUES ({slots})", rows)


def _write_parquet(path: Path, rows: Iterable[Flat]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StoreError(
            f"Parquet needs pyarrow, which can't be imported ({error}): {install('export')}"
        ) from error
    kinds = {int: pa.int64(), str: pa.string()}
    layout = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    with durable.create(path) as file, pq.ParquetWriter(file, layout) as writer:
        batch: list[Flat] = []
        for row in rows:
            batch.append(row)
            if len(batch) == 20_000:
                writer.write_table(pa.Table.from_pylist(batch, layout))
                batch.clear()
        writer.write_table(pa.Table.from_pylist(batch, layout))


_WRITERS: dict[Format, Callable[[Path, Iterable[Flat]], None]] = {
    Format.SQLITE: _write_sqlite,
    Format.PARQUET: _write_parquet,
}
