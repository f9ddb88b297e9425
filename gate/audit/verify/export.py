"""Verification of an export by its own digests, without the log it came from.

An export can't show that it was made of a log that was written anew: compare its head with one
noted before, or its SHA-256 with the log's `exported` event.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gate.audit import export_csv
from gate.audit.chain import Link
from gate.audit.errors import UNREADABLE
from gate.audit.export import manifest_path, sha256_of
from gate.audit.export_format import SUFFIXES, Format
from gate.audit.export_row import COLUMNS, COLUMNS_1, Flat, erased, from_text, holds
from gate.audit.query import PAGE
from gate.audit.verify.findings import Harm, Head, LogFinding, LogVerdict
from gate.audit.watch import Watch, unwatched
from gate.errors import StoreError
from gate.system.extras import install


def is_export(path: Path) -> bool:
    """Whether the file is an export, and not a log or a copy of one."""
    if manifest_path(path).exists() or SUFFIXES.get(path.suffix.lower()) in (
        Format.CSV,
        Format.PARQUET,
    ):
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as log:
            names = [row[1] for row in log.execute("PRAGMA table_info(event)")]
    except (sqlite3.Error, UnicodeError):
        return False
    return "previous" in names


def verify_export(
    path: Path, heads: Iterable[Head] = (), *, watch: Watch = unwatched
) -> LogVerdict:
    """Check an export against itself, its manifest, and the heads noted elsewhere.

    `watch` is told how many of its events were looked at.

    Raises StoreError where it can't be read.
    """
    try:
        manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        if not manifest.get("verifiable", True):
            raise StoreError(
                f"export {path}: made for a spreadsheet, which can't be verified; export it again"
                " without --for-spreadsheet"
            )
        if sha256_of(path) != manifest["sha256"]:
            findings = [LogFinding(Harm.CHANGED, None, "the file isn't the one of its manifest")]
        else:
            findings = []
        noted = {head.sequence: head.digest for head in heads}
        check = _Check(manifest, noted)
        columns = COLUMNS if "rule_2_from" in manifest else COLUMNS_1
        events, last = int(manifest["events"]), int(manifest["last"] or 0)
        for row in _rows(path, manifest.get("format"), columns):
            check.take(row)
            if check.events % PAGE == 0:
                watch("following the chain", check.events, events)
    except (OSError, sqlite3.Error, csv.Error, OverflowError, *UNREADABLE) as error:
        said = " ".join(str(error).split())
        raise StoreError(f"export {path}: can't be read with its manifest: {said}") from error
    findings = check.findings[:1] + findings
    if check.last.sequence != last:
        said = f"the export ends at {check.last.sequence}, not at {last}"
        findings.append(LogFinding(Harm.TRUNCATED, check.last.sequence + 1, said))
    elif check.events != events:
        said = f"the export has {check.events} events, not {events}"
        findings.append(LogFinding(Harm.MISSING, None, said))
    return LogVerdict(check.events, check.first, check.last, 0, tuple(findings))


class _Check:
    """Checks the rows of an export one after the other."""

    def __init__(self, manifest: dict[str, Any], noted: dict[int, str]) -> None:
        self.events = 0
        self.first = 0
        self.last = Link(0, b"")
        self.findings: list[LogFinding] = []
        self._continuous = bool(manifest["continuous"])
        self._second: int | None = manifest.get("rule_2_from")
        self._erased = set(manifest.get("erased", ()))
        self._begun = False
        self._noted = noted

    def take(self, row: Flat) -> None:
        """Check a row on its own and after the row before it."""
        sequence: int = row["sequence"]
        place = self.last.sequence + 1
        digest = bytes.fromhex(row["digest"])
        self._begun |= row["kind"] == "log_begun"  # from there on, whatever the manifest says
        rule = 2 if self._begun or (self._second is not None and sequence >= self._second) else 1
        if row.get("rule", 1) != rule:
            self._find(Harm.CHANGED, sequence, f"should follow rule {rule}, and doesn't")
        elif not holds(row):
            self._find(Harm.CHANGED, sequence, "isn't as it was written")
        elif erased(row) and sequence not in self._erased:
            self._find(Harm.CHANGED, sequence, "lacks its words, and the manifest doesn't say so")
        elif sequence < place:
            self._find(Harm.REORDERED, sequence, f"stands after event {self.last.sequence}")
        elif self.events and sequence > place and self._continuous:
            self._find(Harm.MISSING, place, f"is missing; {sequence} comes next")
        elif self.events and sequence == place and row["previous"] != self.last.digest.hex():
            self._find(Harm.CHANGED, sequence, "doesn't follow the event before it")
        elif not row["digest"].startswith(self._noted.get(sequence, "")):
            self._find(Harm.CHANGED, sequence, "isn't the one that was noted: written anew")
        self.first = self.first or sequence
        self.events += 1
        self.last = Link(sequence, digest)

    def _find(self, harm: Harm, sequence: int, said: str) -> None:
        self.findings.append(LogFinding(harm, sequence, f"event {sequence} {said}"))


def _rows(path: Path, form: object, columns: dict[str, type]) -> Iterator[Flat]:
    if form == Format.PARQUET:
        yield from _parquet_rows(path)
    elif _is_sqlite(path):
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            for values in connection.execute(f"SELECT {', '.join(columns)} FROM event"):
                yield dict(zip(columns, values, strict=True))
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            if "event" in (lines.fieldnames or ()):
                yield from map(export_csv.row_of, lines)
                return
            for line in lines:  # as an earlier version wrote it, in the log's own numbers
                yield {name: from_text(name, line[name]) for name in columns}


def _parquet_rows(path: Path) -> Iterator[Flat]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StoreError(
            f"Parquet needs pyarrow, which can't be imported ({error}): {install('export')}"
        ) from error
    batches: Any = pq.ParquetFile(path).iter_batches()
    for batch in batches:
        yield from batch.to_pylist()


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"SQLite"
