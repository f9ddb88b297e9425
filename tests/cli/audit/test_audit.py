"""The audit commands do what their help says, and say in one line what they can't do."""

from __future__ import annotations

import csv
import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from gate.audit import Query, Store
from gate.audit.export import sha256_of
from gate.cli.audit.list_events import coming
from gate.core.domain import EventKind
from gate.errors import StoreError
from tests.cli.audit.test_list_events import audit
from tests.logs import face_seen, tampering

MAY = ("--since", "2026-05-01T00:00Z", "--until", "2026-05-02T00:00Z")


@pytest.fixture
def on(busy: Store, path: Path) -> tuple[str, str]:
    """The options that name a log of ten visits."""
    return ("--database", str(path))


def test_verify_says_whole(on: tuple[str, str]) -> None:
    """A whole log is exit code 0, with its head."""
    result = audit("verify", "--jobs", "1", "--deep", *on)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "The log is whole.")
    assert audit("head", *on).output.strip() in result.output


def test_verify_names_the_harm(on: tuple[str, str], path: Path) -> None:
    """A log that isn't whole is exit code 1, with the kind of harm and the first event."""
    with tampering(path) as log:
        log.execute("DELETE FROM event WHERE sequence = 8")
    result = audit("verify", "--json", *on)
    finding = json.loads(result.output)["findings"][0]
    assert (result.exit_code, finding["harm"], finding["sequence"]) == (1, "missing", 8)


def test_verify_compares_a_noted_head(on: tuple[str, str]) -> None:
    """A head noted earlier holds as long as nobody writes the log anew."""
    head = audit("head", "--short", *on).output.strip()
    assert audit("verify", "--head", head, *on).exit_code == 0
    assert audit("verify", "--head", "22:0123456789abcdef", *on).exit_code == 1
    assert "looks like" in audit("verify", "--head", "22", *on).output


def test_verify_that_could_not_look(tmp_path: Path) -> None:
    """A file that isn't there, or isn't a log, is exit code 2."""
    (tmp_path / "cake.db").write_bytes(b"flour and eggs, " * 1000)
    for name in ("cake.db", "nothing.db"):
        assert audit("verify", "--database", str(tmp_path / name)).exit_code == 2


def test_counts_of_another_time_are_found(on: tuple[str, str], path: Path) -> None:
    """Counts moved from one quarter of an hour to another are found, also without --deep."""
    with tampering(path) as log:
        log.execute("UPDATE tally SET quarter = quarter + 9")
    assert audit("verify", *on).exit_code == 1
    assert audit("verify", "--deep", *on).exit_code == 1


def test_show_tells_a_visit(on: tuple[str, str]) -> None:
    """A visit is told in a sentence, with its events and what it was judged by."""
    granted = audit("show", "2", *on).output
    assert "granted after 2.5 s (smile_held)" in granted
    assert "threshold 0.5" in granted
    refused = audit("show", "3", *on).output
    assert "not granted (no_smile): no smile; 0.20 at best, 0.50 is needed" in refused
    assert isinstance(audit("show", "99", *on).exception, StoreError)
    assert len(audit("show", "2", "--json", *on).output.splitlines()) == 2


def test_stats_count(on: tuple[str, str], tmp_path: Path) -> None:
    """Statistics come as a table, as JSON and as a picture."""
    assert "50%" in audit("stats", *MAY, *on).output
    picture = tmp_path / "day.png"
    said = json.loads(audit("stats", *MAY, *on, "--json", "--plot", str(picture)).output)
    assert (said["total"]["grants"], said["total"]["denials"]) == (5, 5)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_top_ranks(on: tuple[str, str]) -> None:
    """The commonest come first."""
    lines = audit("top", "events", *MAY, *on).output.splitlines()
    assert lines[1].split()[:2] == ["face_seen", "10"]
    first, *_ = audit("top", "events", "--json", *MAY, *on).output.splitlines()
    assert json.loads(first)["label"] == "face_seen"
    assert json.loads(first)["events"] == 10
    late = ("--since", "2026-06-01", "--until", "2026-06-02")
    assert audit("top", "reasons", *late, *on).output == "No event in this time.\n"


@pytest.mark.parametrize("form", ["csv", "sqlite", "parquet"])
def test_an_export_verifies_on_its_own(
    on: tuple[str, str], busy: Store, tmp_path: Path, form: str
) -> None:
    """An export in each format is whole by its own digests, and the log has recorded it."""
    target = tmp_path / f"may.{form}"
    assert "21 events" in audit("export", str(target), "--format", form, *on).output
    result = audit("verify", "--database", str(target))
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "The export is whole.")
    said = next(busy.records(newest_first=True)).event
    manifest = json.loads(target.with_name(target.name + ".manifest.json").read_text())
    assert said.kind is EventKind.EXPORTED
    assert json.loads(said.detail or "")["sha256"] == manifest["sha256"]


def exported(on: tuple[str, str], target: Path, *words: str) -> list[list[str]]:
    """The lines of a new CSV export."""
    assert audit("export", str(target), "--no-record", *words, *on).exit_code == 0
    with target.open(newline="") as file:
        return list(csv.reader(file))


def put_back(target: Path, rows: list[list[str]]) -> None:
    """Write changed lines, and make the SHA-256 of the manifest agree with them."""
    with target.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    manifest = target.with_name(target.name + ".manifest.json")
    said = json.loads(manifest.read_text()) | {"sha256": sha256_of(target)}
    manifest.write_text(json.dumps(said))


@pytest.mark.parametrize(
    "column",
    ["time", "wall", "score", "event", "gate", "who", "threshold", "clock_trusted", "monotonic"],
)
def test_a_changed_export_is_found(on: tuple[str, str], tmp_path: Path, column: str) -> None:
    """No column of an export can be changed, even by somebody who mends the manifest."""
    target = tmp_path / "may.csv"
    rows = exported(on, target)
    where = rows[0].index(column)
    old = rows[5][where]
    rows[5][where] = str(int(old) + 1) if old.isdigit() else "x"
    put_back(target, rows)
    verdict = json.loads(audit("verify", "--json", "--database", str(target)).output)
    assert (verdict["findings"][0]["harm"], verdict["findings"][0]["sequence"]) == ("changed", 5)


def test_a_line_taken_from_an_export_is_found(on: tuple[str, str], tmp_path: Path) -> None:
    """Rows missing in the middle or at the end of an export are named."""
    target = tmp_path / "may.csv"
    rows = exported(on, target)
    put_back(target, rows[:5] + rows[7:])
    assert "missing: event 5 is missing" in audit("verify", "--database", str(target)).output
    put_back(target, rows[:-3])
    assert "truncated" in audit("verify", "--database", str(target)).output


def test_csv_has_the_names_and_units_of_json(on: tuple[str, str], tmp_path: Path) -> None:
    """Whoever knows the one can read the other; beside it stand the local time and the proofs."""
    header, *lines = exported(on, tmp_path / "may.csv")
    listed = [json.loads(line) for line in audit("list", "--json", *on).output.splitlines()]
    assert set(header) - listed[0].keys() == {"time", "rule", "words", "previous"}
    assert listed[0].keys() <= set(header)
    assert len(lines) == len(listed)
    for line, wanted in zip(lines, listed, strict=True):
        cells = dict(zip(header, line, strict=True))
        for name, value in wanted.items():
            if isinstance(value, bool):
                assert cells[name] == str(value).lower()
            elif isinstance(value, float):
                assert float(cells[name]) == pytest.approx(value, abs=1e-9)
            else:
                assert cells[name] == ("" if value is None else str(value))
        local = datetime.fromisoformat(cells["time"])
        assert local.utcoffset() is not None
        assert local == datetime.fromisoformat(cells["wall"])


def test_csv_has_the_local_time_with_its_offset(
    on: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader elsewhere sees what the clock at the gate said; it verifies in any zone."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        target = tmp_path / "may.csv"
        header, line, *_ = exported(on, target)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line[header.index("time")].endswith("+05:45")
    assert audit("verify", "--database", str(target)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("may.csv", "csv"),
        ("may.CSV", "csv"),
        ("may.db", "sqlite"),
        ("may.sqlite3", "sqlite"),
        ("may.txt --format csv", "csv"),
        ("may.parquet", "parquet"),
        ("may --format sqlite", "sqlite"),
    ],
)
def test_the_suffix_says_what_is_in_an_export(
    on: tuple[str, str], tmp_path: Path, name: str, form: str
) -> None:
    """Nothing lies under a name that means something else."""
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="Parquet is an extra")
    file, *words = name.split()
    result = audit("export", str(tmp_path / file), *words, *on)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / f"{file}.manifest.json").read_text())["format"] == form
    begins = {"csv": b"sequence,time,", "sqlite": b"SQLite format 3", "parquet": b"PAR1"}[form]
    assert (tmp_path / file).read_bytes().startswith(begins)
    assert audit("verify", "--database", str(tmp_path / file)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("may.xlsx", "spreadsheets open CSV: may.csv --for-spreadsheet"),
        ("may.ods", "spreadsheets open CSV"),
        ("may", "its suffix says no format"),
        ("may.txt", "its suffix says no format"),
        ("may.parquet --format csv", ".parquet is a suffix of parquet, and csv was asked for"),
        ("may.csv --format sqlite", ".csv is a suffix of csv, and sqlite was asked for"),
        ("may.db --bom", "only CSV can be for a spreadsheet"),
    ],
)
def test_a_suffix_that_says_something_else_is_refused(
    on: tuple[str, str], tmp_path: Path, name: str, said: str
) -> None:
    """One line with what to do, and no file."""
    file, *words = name.split()
    result = audit("export", str(tmp_path / file), *words, *on)
    assert isinstance(result.exception, StoreError)
    assert said in str(result.exception)
    assert not [*tmp_path.glob("may*")]


def test_a_byte_order_mark_is_for_who_asks_for_it(on: tuple[str, str], tmp_path: Path) -> None:
    """Excel reads letters right with it; the file can be verified as any other."""
    target = tmp_path / "may.csv"
    exported(on, target, "--bom")
    assert target.read_bytes().startswith(b"\xef\xbb\xbfsequence,")
    assert audit("verify", "--database", str(target)).exit_code == 0
    exported(on, tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_bytes().startswith(b"sequence,")


def test_a_filtered_export_still_holds(on: tuple[str, str], tmp_path: Path) -> None:
    """Each row of a filtered export is proved on its own."""
    target = tmp_path / "granted.csv"
    assert len(exported(on, target, "--event", "granted")) == 6
    assert audit("verify", "--database", str(target)).exit_code == 0


def test_an_export_overwrites_nothing(on: tuple[str, str], tmp_path: Path) -> None:
    """A file that is there already stays."""
    (tmp_path / "may.csv").write_text("mine")
    assert isinstance(audit("export", str(tmp_path / "may.csv"), *on).exception, StoreError)
    assert (tmp_path / "may.csv").read_text() == "mine"


def test_a_backup_is_told_to_a_script(on: tuple[str, str], tmp_path: Path) -> None:
    """--json says where the copy is, how many events it has, and its head."""
    told = json.loads(audit("backup", str(tmp_path / "usb"), "--json", *on).output)
    assert [Path(told["path"])] == list((tmp_path / "usb").iterdir())
    assert told["head"].startswith(f"{told['events']}:")


def test_backup_restore_and_prune(on: tuple[str, str], busy: Store, tmp_path: Path) -> None:
    """A backup is taken, the log pruned, and the backup put back, each on record."""
    assert "whole, 21 events" in audit("backup", str(tmp_path / "usb"), *on).output
    assert audit("prune", "--larger-than", "500", *on).output == "Nothing to delete.\n"
    pruned = audit("prune", "--older-than", "0", "--trust-clock", *on).output
    assert pruned == "22 events deleted, 1 to 22\n"
    busy.close()
    (made,) = (tmp_path / "usb").iterdir()
    assert isinstance(audit("restore", str(made), *on).exception, StoreError)
    assert "restored, 21 events" in audit("restore", str(made), "--replace", *on).output
    events = [
        json.loads(line)["event"] for line in audit("list", "--json", *on).output.splitlines()
    ]
    assert (len(events), events[-1]) == (23, "restored")


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("head",),
        ("stats",),
        ("top",),
        ("show", "1"),
        ("export", "x.csv"),
        ("backup", "usb"),
        ("prune", "--larger-than", "500"),
        ("salvage", "x.csv"),
    ],
)
def test_a_log_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """A mistyped path is one line of error, and no new log, export or folder appears."""
    monkeypatch.chdir(tmp_path)
    result = audit(*words, "--database", "typo.db")
    assert isinstance(result.exception, StoreError)
    assert "\n" not in str(result.exception)
    assert [*tmp_path.iterdir()] == []


def test_salvage_reads_what_is_left(on: tuple[str, str], tmp_path: Path) -> None:
    """What can be read of a log is written as CSV, with how much of it is proved."""
    target = tmp_path / "left.csv"
    said = audit("salvage", str(target), *on).output
    assert said == f"21 events in {target}; 21 are proved by their digest\n"


def test_follow_goes_on(busy: Store) -> None:
    """After the newest events come new ones, each once, as they are recorded."""
    arriving = iter([[face_seen(11), face_seen(12)], [], [face_seen(13)]])

    def wait() -> None:
        busy.record(next(arriving))

    records = coming(busy, Query(events=frozenset({EventKind.FACE_SEEN})), 2, wait)
    assert [next(records).event.visit for _ in range(5)] == [9, 10, 11, 12, 13]
