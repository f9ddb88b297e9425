"""``smile-gate doctor``: a test of every part, and what to do where one fails."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gate.cli.common import FILE, console, example, json_option, say_json
from gate.config import Config
from gate.config.load import load
from gate.doctor import CHECKS, examine
from gate.doctor.facts import gather
from gate.doctor.finding import Finding, Grade
from gate.errors import ConfigError
from gate.hardware import board

INSTALLED = Path("/etc/smile-gate/gate.yaml")
STEP_UP = "testing face: step in front of the camera and smile"
CONSENT = "The relay moves and the gate opens. Is nobody in its way?"
COLOURS = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


@example("smile-gate doctor --face")
@click.command("doctor")
@click.option(
    "--config", type=FILE, help=f"Settings of the gate; without it {INSTALLED}, or the defaults."
)
@click.option(
    "--only",
    type=click.Choice(list(CHECKS)),
    multiple=True,
    help="Test only this part; repeatable.",
)
@click.option("--face", is_flag=True, help="Wait for a face: somebody stands at the gate.")
@click.option("--relay", is_flag=True, help="Move the relay to open and back: the gate opens.")
@click.option("--yes", is_flag=True, help="Do not ask before the relay moves.")
@json_option
def command(
    config: Path | None,
    only: tuple[str, ...],
    face: bool,
    relay: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Test each part of the gate and say how to mend it.

    A running gate is asked, never disturbed: what it owns is tested when it is stopped.

    Exit codes: 0 all is well, or somebody should look at it (warn), 1 something fails, 2 wrong
    call.
    """
    path = config or (INSTALLED if os.path.exists(INSTALLED) else None)
    values, mistakes = _read(path)
    asked = {name for name, wanted in (("face", face), ("relay", relay)) if wanted}
    patient = gather(
        values,
        path,
        board.read(disk=values.store.path),
        mistakes=mistakes,
        asked=frozenset(asked | ({"face"} & set(only))),
    )
    parts = [name for name in CHECKS if not only or name in only or name in asked]
    if relay and not yes and not patient.running:
        click.confirm(CONSENT, abort=True, err=True)
    found: dict[str, list[Finding]] = {}
    with Console(stderr=True).status("") as line:
        for part in parts:
            line.update(STEP_UP if part in asked - {"relay"} else f"testing {part}")
            found[part] = examine(patient, part)
            if as_json:
                for one in found[part]:
                    say_json(as_dict(part, one))
    if not as_json:
        console().print(table(found))
    verdicts = [one.verdict for findings in found.values() for one in findings]
    raise SystemExit(1 if Grade.FAIL in verdicts else 0)


def _read(path: Path | None) -> tuple[Config, tuple[str, ...]]:
    """The settings, or the defaults and the file's mistakes."""
    if path is None:
        return Config(), ()
    try:
        return load(path), ()
    except ConfigError as error:
        return Config(), tuple(str(error).splitlines())


def as_dict(part: str, one: Finding) -> dict[str, str]:
    """A finding as the JSON object of one line."""
    return {"part": part, "verdict": one.verdict, "seen": one.seen, "advice": one.advice}


def table(found: dict[str, list[Finding]]) -> Table:
    """Findings by their parts, in columns."""
    out = Table(
        "part", "is", "seen, and what to do", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for part, findings in found.items():
        for number, one in enumerate(findings):
            said = Text(one.seen)
            if one.advice:
                said.append(f"\n-> {one.advice}", style="italic")
            verdict = one.verdict.upper() if one.verdict is Grade.FAIL else one.verdict
            out.add_row(
                part if number == 0 else "", Text(verdict, COLOURS.get(one.verdict, "dim")), said
            )
    return out
