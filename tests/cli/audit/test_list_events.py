"""`smile-gate audit list` shows what the log has."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from gate.audit import Store
from gate.cli.audit import command
from gate.errors import StoreError


def audit(*words: str) -> Result:
    return CliRunner().invoke(command, words, env={"TZ": "UTC", "COLUMNS": "160"})


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
