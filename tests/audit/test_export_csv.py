"""Lines of CSV for people, of which each can be proved."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.audit import Query, Store
from gate.audit.export import export, manifest_path, sha256_of
from gate.audit.export_csv import COLUMNS, line_of, row_of, write
from gate.audit.export_format import Format
from gate.audit.export_row import COLUMNS as LOG_COLUMNS
from gate.audit.export_row import Flat
from gate.audit.rows import moment
from gate.audit.session import Session
from gate.audit.verify.export import verify_export
from tests.logs import face_seen

NUMBER = st.none() | st.integers(0, 2**53)
WORDS = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1
)


@st.composite
def rows(draw: st.DrawFn) -> Flat:
    """A row as a log has it."""
    wall = draw(st.integers(0, 4_000_000_000_000))
    row: Flat = {name: draw(WORDS if kind is str else NUMBER) for name, kind in LOG_COLUMNS.items()}
    row |= {name: draw(WORDS) or "" for name in LOG_COLUMNS if isinstance(row[name], str)}
    for name in ("kind", "reason", "before", "after", "gate", "boot", "version", "model", "config"):
        row[name] = row[name] or ""
    for name in ("who", "detail", "words", "previous", "digest"):
        row[name] = row[name] or None
    said = moment(wall).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return row | {
        "sequence": draw(st.integers(1, 2**53)),
        "wall": wall,
        "time": said,
        "trusted": draw(st.integers(0, 1)),
    }


@settings(deadline=None, derandomize=True)
@given(row=rows())
def test_a_line_comes_back_as_the_row_that_it_was_made_of(row: Flat) -> None:
    """Nothing is lost by the units that people read: each digest can be checked."""
    text = io.StringIO(newline="")
    assert list(write(text, [row])) == [row]
    (line,) = csv.DictReader(io.StringIO(text.getvalue(), newline=""))
    assert row_of(line) == row


def test_units_are_those_of_people() -> None:
    """Scores are parts of one, times are ISO 8601 or seconds, the clock's word is true or false."""
    row = dict.fromkeys(LOG_COLUMNS) | {
        "sequence": 7,
        "wall": 1_777_624_200_123,
        "trusted": 1,
        "score": 930_000,
        "threshold": 500_000,
        "monotonic": 12_000_050,
        "waited": 2_500,
        "kind": "granted",
    }
    line = line_of(row)
    assert tuple(line) == COLUMNS
    assert line["wall"] == "2026-05-01T08:30:00.123Z"
    assert (line["score"], line["threshold"]) == ("0.93", "0.5")
    assert (line["monotonic"], line["waited"]) == ("12.00005", "2.5")
    assert (line["clock_trusted"], line["event"]) == ("true", "granted")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", "0.9300001"),
        ("score", "1e5"),
        ("monotonic", "12.0000501"),
        ("clock_trusted", "yes"),
        ("wall", "2026-05-01T08:30:00.1235Z"),
        ("wall", "2026-05-01T08:30:00.123"),
        ("time", "2026-05-01T08:31:00.123Z"),
        ("wall", "2026-05-01T08:30:00.123000Z"),  # the same moment, in another spelling
        ("time", "2026-05-01T08:30:00.123Z"),
        ("visit", "first"),
        ("visit", "01000"),  # other spellings of a number that a gate could have written
        ("visit", "1_000"),
        ("visit", " 1000"),
        ("visit", "+1000"),
        ("visit", "\u0661\u0660\u0660\u0660"),
        ("score", "0.930"),
        ("score", "00.93"),
        ("monotonic", "12.000050"),
    ],
)
def test_a_value_that_no_gate_wrote_is_taken_for_none_of_the_logs(column: str, value: str) -> None:
    """It stays as it is, so that its digest does not hold."""
    row = dict.fromkeys(LOG_COLUMNS) | {"sequence": 7, "wall": 1_777_624_200_123, "trusted": 1}
    line = {name: "" if cell is None else str(cell) for name, cell in line_of(row).items()}
    changed = line | {column: value}
    back = row_of(changed)
    if column in ("wall", "time"):
        assert (back["wall"], back["time"]) == (changed["wall"], changed["time"])
    else:
        assert back[{"clock_trusted": "trusted"}.get(column, column)] == value


def test_a_csv_of_an_earlier_version_still_verifies(tmp_path: Path) -> None:
    """It has the log's own names and whole numbers."""
    with Store.open(tmp_path / "audit.db") as store:
        store.record([face_seen(visit) for visit in (1, 2, 3)])
    target = tmp_path / "may.csv"
    with closing(Session(tmp_path / "audit.db", read_only=True)) as session:
        export(session, Query(), target, Format.CSV, datetime.now(UTC))
    with target.open(newline="", encoding="utf-8") as file:
        flat = [row_of(line) for line in csv.DictReader(file)]
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, LOG_COLUMNS)
        writer.writeheader()
        writer.writerows(flat)
    manifest = manifest_path(target)
    manifest.write_text(
        json.dumps(json.loads(manifest.read_text()) | {"sha256": sha256_of(target)})
    )
    assert target.read_text().startswith("sequence,time,wall,trusted,")
    assert verify_export(target).whole


@pytest.mark.parametrize("column", ["digest", "previous", "words"])
@pytest.mark.parametrize(
    "spelling", [str.upper, lambda text: f" {text}", lambda text: f"{text[:2]} {text[2:]}"]
)
def test_a_digest_in_another_spelling_is_not_whole(
    tmp_path: Path, column: str, spelling: Callable[[str], str]
) -> None:
    """What stands in the file is what was written, also where it means the same."""
    target = tmp_path / "may.csv"
    with Store.open(tmp_path / "audit.db") as store:
        store.record([face_seen(1)])
        export(store.session, Query(), target, Format.CSV, datetime(2026, 5, 2, tzinfo=UTC))
    with target.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    number = 1 if column == "previous" else 0  # the first row comes after nothing: zeros only
    text = lines[number][column]
    lines[number][column] = spelling(text)
    assert lines[number][column] != text
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    manifest = json.loads(manifest_path(target).read_text())
    manifest_path(target).write_text(json.dumps(manifest | {"sha256": sha256_of(target)}))
    assert not verify_export(target).whole
