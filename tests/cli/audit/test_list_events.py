"""`smile-gate audit list` shows what the log has."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.audit import Store
from gate.cli.audit import command
from gate.errors import StoreError


def audit(*words: str, zone: str = "UTC") -> Result:
    return CliRunner().invoke(command, words, env={"TZ": zone, "COLUMNS": "160"})


def test_each_event_is_a_line_of_json(busy: Store, path: Path) -> None:
    """--json gives one object for each event, in the order of the log."""
    result = audit("list", "--database", str(path), "--json")
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert result.exit_code == 0
    assert [line["sequence"] for line in lines] == list(range(1, 22))
    assert lines[4] | {"event": "granted", "reason": "smile_held", "visit": 2} == lines[4]
    assert lines[4]["wall"] == "2026-05-01T08:02:00.000Z"


def test_filters_and_limit(busy: Store, path: Path) -> None:
    """Filters hold together, and --limit keeps the newest, still in the order of the log."""
    words = ["list", "--database", str(path), "--json", "--event", "visit_left", "--limit", "2"]
    lines = [json.loads(line) for line in audit(*words).output.splitlines()]
    assert [line["visit"] for line in lines] == [7, 9]
    words = ["list", "--database", str(path), "--json", "--since", "2026-05-01T08:10Z"]
    assert len(audit(*words).output.splitlines()) == 2


def test_the_table_is_for_people(busy: Store, path: Path) -> None:
    """Without --json there is a table with a line for each event."""
    result = audit("list", "--database", str(path), "--visit", "2")
    assert [line.split()[3] for line in result.output.splitlines()[1:]] == ["face_seen", "granted"]


def test_nothing_found(busy: Store, path: Path) -> None:
    """A filter that nothing matches says so; as JSON it is no line at all."""
    words = ("list", "--database", str(path), "--reason", "fault_relay")
    assert audit(*words).output == "No event matches.\n"
    assert audit(*words, "--json").output == ""


def test_nothing_found_says_in_which_time(
    busy: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the words were taken for can be seen, with the zone."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        on = ("--database", str(path))
        times = ("--since", "2027-07", "--until", "1.12.2027 9h")
        said = audit("list", *on, *times, zone="Europe/Berlin").output
        table = audit("list", *on, "--visit", "2", zone="Europe/Berlin").output
        shown = audit("show", "2", *on, zone="Europe/Berlin").output
        day = ("--since", "2026-05-01", "--until", "2026-05-02")
        stats = audit("stats", *on, *day, zone="Europe/Berlin").output
        top = audit("top", "hours", *on, *day, zone="Europe/Berlin").output
    finally:
        monkeypatch.undo()
        time.tzset()
    assert said == (
        "No event matches from 2027-07-01 00:00:00 CEST and before 2027-12-01 09:00:00 CET.\n"
    )
    assert "time, CEST" in table.splitlines()[0]
    assert shown.startswith("Visit 2, 2026-05-01 10:0")
    assert " CEST: granted" in shown.splitlines()[0]
    assert stats.startswith("2026-05-01 00:00:00 CEST to 2026-05-02 00:00:00 CEST\n")
    assert top.startswith("hours, CEST ")


@pytest.mark.parametrize("command", ["list", "export", "stats", "top"])
def test_times_the_wrong_way_round_are_told(busy: Store, path: Path, command: str) -> None:
    """Not an empty answer: which of the two is the later one."""
    words = [command, *(["x.csv"] if command == "export" else [])]
    times = ("--since", "2026-05-02", "--until", "2026-05-01")
    result = audit(*words, "--database", str(path), *times)
    assert result.exit_code == 2
    assert "--since (2026-05-02 00:00:00 " in result.output
    assert "must be before --until (2026-05-01 00:00:00 " in result.output


def test_scores_the_wrong_way_round_are_told(busy: Store, path: Path) -> None:
    """They are named, with what to do."""
    scores = ("--score-from", "0.9", "--score-to", "0.1")
    result = audit("list", "--database", str(path), *scores)
    assert result.exit_code == 2
    assert "--score-from 0.9 is above --score-to 0.1: swap them" in result.output


def test_an_unknown_zone_is_told_by_every_audit_command(busy: Store, path: Path) -> None:
    """On standard error; the command goes on."""
    result = audit("list", "--database", str(path), "--json", zone="Foo/Bar")
    assert result.exit_code == 0
    assert "TZ=Foo/Bar is no time zone that is known here: times are in UTC" in result.stderr


def test_the_help_of_a_filter_is_short(path: Path) -> None:
    """No line has thirty values in it; a wrong word lists them."""
    said = audit("list", "--help").output
    assert "--event EVENT" in said
    assert "--reason REASON" in said
    assert max(map(len, said.splitlines())) <= 80
    assert "visit_left" in audit("list", "--database", str(path), "--event", "left").output


def test_wrong_words_are_explained(path: Path) -> None:
    """A time, an event or a file that isn't one is an error that says what would be."""
    assert "yesterday" in audit("list", "--database", str(path), "--since", "noonish").output
    assert "granted" in audit("list", "--database", str(path), "--event", "grant").output
    assert isinstance(audit("list", "--database", str(path)).exception, StoreError)


def test_the_log_of_a_configuration(busy: Store, path: Path) -> None:
    """--config names the log that the gate with that configuration writes."""
    config = path.with_name("gate.yaml")
    config.write_text(f"store:\n  path: {path.name}\n")
    result = audit("list", "--config", str(config), "--json", "--limit", "1")
    assert json.loads(result.output)["sequence"] == 21


def test_help_has_an_example() -> None:
    """Every subcommand's help shows an example."""
    context = command.make_context("audit", ["list"])
    for name in command.list_commands(context):
        assert "smile-gate audit " + name in audit(name, "--help").output
