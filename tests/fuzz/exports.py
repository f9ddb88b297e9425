"""Exports and their manifests: no row that differs is called whole, whatever the manifest says."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from gate.audit import Store
from gate.audit.export import export, manifest_path
from gate.audit.export_format import Format
from gate.audit.query import Query
from gate.audit.verify.export import verify_export
from gate.errors import StoreError
from tests.fuzz.target import Target, edited, expect_a_line, revalued
from tests.logs import Clock, face_seen, granted, left

BETWEEN = b"\n=== manifest ===\n"
"""What stands between the export and its manifest in an input; without it, the manifest is ours."""


def check(folder: Path, data: bytes) -> None:
    """Whole only if every row is one of the log's; refused in a line where it can't be read."""
    path = folder / "may.csv"
    rows, _, manifest = data.partition(BETWEEN)
    path.write_bytes(rows)
    said = manifest or mended(rows)
    manifest_path(path).write_bytes(said)
    try:
        whole = verify_export(path).whole
    except StoreError as error:
        expect_a_line(error)
        return
    if whole:
        assert set(parsed(rows)) <= set(parsed(original()[0])), "another export is called whole"


def mended(rows: bytes) -> bytes:
    """The manifest with the hash of these rows, as a forger would write it."""
    manifest = json.loads(original()[1])
    return json.dumps(manifest | {"sha256": sha256(rows).hexdigest()}).encode()


def parsed(rows: bytes) -> list[tuple[str, ...]]:
    """The rows as texts."""
    text = io.StringIO(rows.decode("utf-8"), newline="")
    return [tuple(row[name] or "" for name in sorted(row)) for row in csv.DictReader(text)]


@cache
def original() -> tuple[bytes, bytes]:
    """A small export and its manifest."""
    with TemporaryDirectory(prefix="smile-gate-fuzz-") as name:
        folder = Path(name)
        with Store.open(folder / "audit.db", now=Clock()) as store:
            for visit in range(1, 6):
                store.record([face_seen(visit), left(visit) if visit % 2 else granted(visit)])
            target = folder / "may.csv"
            export(store.session, Query(), target, Format.CSV, datetime(2026, 5, 2, tzinfo=UTC))
        return target.read_bytes(), manifest_path(target).read_bytes()


def inputs() -> st.SearchStrategy[bytes]:
    """The export with harmed rows, a harmed manifest, or a manifest with other values."""
    rows, manifest = original()
    others = revalued([json.loads(manifest)]).map(lambda said: rows + BETWEEN + said)
    return edited([rows, BETWEEN.join((rows, manifest))], WORDS) | others


WORDS = [b'"', b"\r", b"\n", b",", b"9" * 5000, b"x" * 140_000, b"\xff", b"\x00", b"[" * 9999]
WORDS += [b"null", b"-1", b"1e999", b"NaN", b"true", b"[]", b"{}", BETWEEN]

EXPORTS = Target(
    "exports",
    "an export with a row that the log has not is never called whole; else one line",
    150_000,
    st.deferred(inputs),
    check,
)
