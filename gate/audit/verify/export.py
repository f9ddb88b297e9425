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

from gate.audit.chain import Link
from gate.audit.export import manifest_path, sha256_of
from gate.audit.export_row import COLUMNS, Flat, from_text, holds
from gate.audit.verify.findings import Harm, Head, LogFinding, LogVerdict
from gate.errors import StoreError


def is_export(path: Path) -> bool:
    """Whether the file is an export, and not a log or a copy of one."""
    if manifest_path(path).exists() or path.suffix in (".csv", ".parquet"):
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as log:
            names = [row[1] for row in log.execute("PRAGMA table_info(event)")]
    except sqlite3.Error:
        return False
    return "previous" in names


def verify_export(path: Path, heads: Iterable[Head] = ()) -> LogVerdict:
    """Check an export against itself, its manifest, and the heads noted elsewhere.

    Raises StoreError where it can't be read.
    """
    try:
        manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        if sha256_of(path) != manifest["sha256"]:
            findings = [LogFinding(Harm.CHANGED, None, "the file isn't the one of its manifest")]
        else:
            findings = []
        noted = {head.sequence: head.digest for head in heads}
        check = _Check(bool(manifest["continuous"]), noted)
        for row in _rows(path):
            check.take(row)
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error) as error:
        raise StoreError(f"export {path}: can't be read with its manifest: {error}") from error
    findings = check.findings[:1] + findings
    if check.last.sequence != (manifest["last"] or 0):
        said = f"the export ends at {check.last.sequence}, not at {manifest['last']}"
        findings.append(LogFinding(Harm.TRUNCATED, check.last.sequence + 1, said))
    elif check.events != manifest["events"]:
        said = f"the export has {check.events} events, not {manifest['events']}"
        findings.append(LogFinding(Harm.MISSING, None, said))
    return LogVerdict(check.events, check.first, check.last, 0, tuple(findings))


class _Check:
    """Checks the rows of an export one after the other."""

    def __init__(self, continuous: bool, noted: dict[int, str]) -> None:
        self.events = 0
        self.first = 0
        self.last = Link(0, b"")
        self.findings: list[LogFinding] = []
        self._continuous = continuous
        self._noted = noted

    def take(self, row: Flat) -> None:
        """Check a row on its own and after the row before it."""
        sequence: int = row["sequence"]
        place = self.last.sequence + 1
        digest = bytes.fromhex(row["digest"])
        if not holds(row):
            self._find(Harm.CHANGED, sequence, "isn't as it was written")
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


def _rows(path: Path) -> Iterator[Flat]:
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
    elif _is_sqlite(path):
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            for values in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM event"):
                yield dict(zip(COLUMNS, values, strict=True))
    else:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                yield {name: from_text(name, row[name]) for name in COLUMNS}


def _parquet_rows(path: Path) -> Iterator[Flat]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StoreError("Parquet needs pyarrow: pip install 'smile-gate[export]'") from error
    batches: Any = pq.ParquetFile(path).iter_batches()
    for batch in batches:
        yield from batch.to_pylist()


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"SQLite"
