"""Judging power cuts, and going on with them; the cuts themselves are `make power-cuts`."""

from __future__ import annotations

import base64
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gate.audit import Store
from gate.core.domain import Event, EventKind
from tests.logs import tampering
from tests.rig import cut_disk, cut_guest, lines, power_cuts
from tests.rig.cut_results import (
    HELD_S,
    Cut,
    Kind,
    Result,
    Row,
    Seen,
    append,
    in_the_hold,
    judge,
    left,
    read,
    schedule,
    seen_in,
    table,
)

HOLD, EMERGENCY = Cut(Kind.HOLD, 3), Cut(Kind.EMERGENCY, 1)
ROWS = (
    Row(1, "log_begun"),
    Row(2, "operator_granted", "power cut 3"),
    Row(3, "unclean_end", "last event 2"),
    Row(4, "started", "version 0.1.0"),
)
AFTER_HOLD = Seen(levels="00", level="0", rows=ROWS)
AFTER_EMERGENCY = Seen(
    levels="11",
    level="1",
    latched=True,
    rows=(ROWS[0], Row(2, "emergency"), *ROWS[2:]),
)
OPENED = {2: Row(2, "operator_granted", "power cut 3")}
RAISED = {2: Row(2, "emergency")}


def without(number: int) -> Seen:
    return replace(AFTER_HOLD, rows=tuple(row for row in ROWS if row.number != number))


def test_what_held_has_no_problem() -> None:
    """Everything is there, and the line is where it belongs from the first level on."""
    assert judge(HOLD, OPENED, 2, AFTER_HOLD) == ()
    assert judge(EMERGENCY, RAISED, 2, AFTER_EMERGENCY) == ()


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(AFTER_HOLD, damage="event 2: changed"), "not whole: event 2: changed"),
        (without(2), "event 2 was acknowledged"),
        (replace(AFTER_HOLD, rows=(Row(2, "operator_granted", "other"), *ROWS[2:])), "event 2 was"),
        (replace(AFTER_HOLD, rows=(Row(2, "face_seen"), *ROWS[2:])), "event 2 was acknowledged"),
        (without(3), "no unclean end"),
        (without(4), "no unclean end and start"),
        (replace(AFTER_HOLD, levels="10"), "levels set: 10"),
        (replace(AFTER_HOLD, levels="01", level="1"), "levels set: 01"),
        (replace(AFTER_HOLD, levels=""), "levels set: none"),
        (replace(AFTER_HOLD, level="1"), "now 1"),
        (replace(AFTER_HOLD, latched=True), "says that there is an emergency"),
        (Seen(silence="no such file"), "not ready after the boot: no such file"),
    ],
)
def test_each_broken_promise_of_a_hold_is_said(seen: Seen, said: str) -> None:
    """One problem for one promise, with what was seen."""
    (problem,) = judge(HOLD, OPENED, 2, seen)
    assert said in problem


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(AFTER_EMERGENCY, levels="01"), "levels set: 01"),
        (replace(AFTER_EMERGENCY, levels="10", level="0"), "now 0"),
        (replace(AFTER_EMERGENCY, latched=False), "does not say"),
        (replace(AFTER_EMERGENCY, rows=AFTER_EMERGENCY.rows[2:]), "event 2 was acknowledged"),
    ],
)
def test_each_broken_promise_of_an_emergency_is_said(seen: Seen, said: str) -> None:
    """A first level that is safe, and not the emergency's, is a broken promise too."""
    (problem,) = judge(EMERGENCY, RAISED, 2, seen)
    assert said in problem


def test_what_was_acknowledged_before_earlier_cuts_counts_too() -> None:
    """A record that survived one cut has to survive the next."""
    earlier = {**OPENED, 1: Row(1, "operator_granted", "power cut 2")}
    (problem,) = judge(HOLD, earlier, 2, AFTER_HOLD)
    assert "event 1 was acknowledged" in problem


def test_a_cut_after_the_hold_does_not_count() -> None:
    """The log says that the hold ended before the power went; one in the next run does not."""
    late = replace(AFTER_HOLD, rows=(*ROWS[:2], Row(3, "hold_ended"), Row(4, "unclean_end")))
    next_run = replace(AFTER_HOLD, rows=(*ROWS, Row(5, "hold_ended")))
    assert not in_the_hold(2, late)
    assert in_the_hold(2, AFTER_HOLD)
    assert in_the_hold(2, next_run)


def test_the_log_that_the_machine_gave_is_verified(tmp_path: Path) -> None:
    """A whole one has its events, a forged one its finding, and what is no log is damage."""
    path = tmp_path / "audit.db"
    with closing(Store.open(path)) as store:
        store.record([Event(EventKind.OPERATOR_GRANTED, 1.0, who="root", detail="power cut 3")])
    whole, seen = path.read_bytes(), _seen(path, tmp_path)
    assert seen.damage is None
    assert [row.kind for row in seen.rows] == ["log_begun", "operator_granted"]
    assert seen.rows[1].detail == "power cut 3"
    with tampering(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("UPDATE event SET detail = 'nothing' WHERE sequence = 2")
    assert _seen(path, tmp_path).damage
    path.write_bytes(whole[:700])
    assert _seen(path, tmp_path).damage


def _seen(path: Path, tmp_path: Path) -> Seen:
    answer = {
        "ready": True,
        "levels": ["0", "0"],
        "level": "0",
        "latched": False,
        "up_s": 30.5,
        "log": base64.b64encode(path.read_bytes()).decode(),
    }
    folder = tmp_path / "copy"
    folder.mkdir(exist_ok=True)
    return seen_in(answer, folder)


def result(cut: Cut, *problems: str) -> Result:
    return Result(
        kind=cut.kind,
        number=cut.number,
        program="0f0f",
        commit="abc",
        seed=1,
        delay_s=1.25,
        event=2,
        events=4,
        levels="00",
        up_s=30.5,
        problems=problems,
    )


def test_a_run_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    """Results are read again, a line that was cut off is none, and what is left is made."""
    file = tmp_path / "build" / "results.jsonl"
    assert read(file) == []
    wanted = schedule(3, 1)
    assert left(wanted, read(file)) == wanted
    done = [result(wanted[0]), result(wanted[1], "the log is not whole")]
    for one in done:
        append(file, one)
    with file.open("a") as opened:
        opened.write('{"kind": "hold", "num')
    assert read(file) == done
    assert left(wanted, read(file)) == wanted[2:]
    append(file, result(wanted[2]))
    assert left(wanted, read(file)) == wanted[3:]


def test_both_kinds_are_spread_over_the_run() -> None:
    """A run that is stopped early has tried both, and each cut is there once."""
    wanted = schedule(100, 20)
    assert len(set(wanted)) == 120
    assert [cut.kind for cut in wanted[:12]].count(Kind.EMERGENCY) == 2
    assert schedule(0, 2) == [Cut(Kind.EMERGENCY, 1), Cut(Kind.EMERGENCY, 2)]


def test_the_moment_is_the_seed_s() -> None:
    """The same seed cuts at the same moments, another one at others, all within the hold."""
    cuts = schedule(50, 10)
    moments = [cut.delay_s(1) for cut in cuts]
    assert moments == [cut.delay_s(1) for cut in cuts]
    assert moments != [cut.delay_s(2) for cut in cuts]
    assert len(set(moments)) == len(cuts)
    assert min(moments) >= 0
    assert max(moments) <= HELD_S < cut_disk.HOLD_S


def test_the_table_says_what_was_broken() -> None:
    """The counts of each kind, and each broken promise by its cut."""
    said = table([result(HOLD), result(Cut(Kind.HOLD, 4), "the log is not whole")])
    assert "| hold | 2 | 1 |" in said
    assert "| emergency | 0 |" in said
    assert said.endswith("BROKEN  hold 4: the log is not whole")


def test_the_machine_s_end_knows_the_same_lines() -> None:
    """It runs where the project is not, so it has the numbers of its own."""
    assert (cut_guest.RELAY, cut_guest.EMERGENCY) == (lines.RELAY, lines.EMERGENCY)


def test_results_of_another_program_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run with another program or seed is refused in one line, until it begins anew."""
    monkeypatch.setattr(power_cuts, "FOLDER", tmp_path)
    monkeypatch.setattr(power_cuts, "ROOT", tmp_path)
    monkeypatch.setattr(power_cuts, "installed", lambda: "1e1e")
    append(tmp_path / "results.jsonl", result(HOLD))
    assert power_cuts.main(["--cuts", "3"]) == 2
    assert "--fresh begins anew" in capsys.readouterr().err


@pytest.mark.parametrize(("problems", "code"), [((), 0), (("the log is not whole",), 1)])
def test_the_exit_code_says_whether_a_promise_was_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: tuple[str, ...], code: int
) -> None:
    """A run whose cuts are all there judges them without a machine."""
    monkeypatch.setattr(power_cuts, "FOLDER", tmp_path)
    monkeypatch.setattr(power_cuts, "installed", lambda: "0f0f")
    append(tmp_path / "results.jsonl", result(Cut(Kind.HOLD, 1), *problems))
    assert power_cuts.main(["--cuts", "1", "--emergencies", "0"]) == code
