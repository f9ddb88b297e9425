"""``smile-gate setup``: from a wired board to settings that fit it, one question at a time."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.cli import setup_steps as steps
from gate.cli.common import FILE, example, json_option, say_json
from gate.cli.doctor import INSTALLED
from gate.config.edit import Draft
from gate.doctor.facts import UNIT, gather
from gate.errors import GateError
from gate.hardware.board import Board


@example(
    "sudo smile-gate setup\n  "
    "sudo smile-gate setup --still still.png --start\n  "
    "smile-gate setup --out gate.yaml --camera 0 --pin 17 --active-low --no-face --yes"
)
@click.command("setup")
@click.option(
    "--out", type=FILE, default=INSTALLED, show_default=True, help="Settings to make or to change."
)
@click.option("--camera", metavar="NAME", help="This camera, as camera.source has it.")
@click.option(
    "--still", type=FILE, help="Write a picture of the camera to this file, .png or .jpg."
)
@click.option("--pin", type=int, help="GPIO (Broadcom) number of the relay.")
@click.option(
    "--active-high/--active-low",
    default=None,
    help="Level at which the relay is on; many relay boards switch on at low level.",
)
@click.option("--no-relay", is_flag=True, help="Neither ask for the relay nor move it.")
@click.option("--no-face", is_flag=True, help="Do not wait for a face.")
@click.option("--yes", is_flag=True, help="Ask nothing: the relay moves, what is proposed counts.")
@click.option("--start", is_flag=True, help="Start the service when all is written.")
@json_option
def command(
    out: Path,
    camera: str | None,
    still: Path | None,
    pin: int | None,
    active_high: bool | None,
    no_relay: bool,
    no_face: bool,
    yes: bool,
    start: bool,
    as_json: bool,
) -> None:
    """Find the camera, move the relay, measure a guest, and write the settings.

    It shows a picture, asks for the relay's pin and moves it once you agree, has somebody stand
    where guests will stand, and proposes face.min_height and face.region from that. What the file
    has besides stays, with its comments, and a copy of it is kept beside it. Nothing is written
    before the end: Ctrl-C leaves the file as it is. A picture is kept only where --still says so.

    No gate may run meanwhile. With --json one object for each finding, then one with file, changed,
    copy and started; questions go to standard error.

    Exit codes: 0 it is written, 1 a part fails or you said no, 2 wrong call or settings with
    mistakes; after 1 and 2 the file is as it was, but where only the start failed.
    """
    if start and out.resolve() != INSTALLED.resolve():
        raise click.UsageError(f"--start starts the service, which reads {INSTALLED}: no --out")
    if out == INSTALLED and not out.parent.is_dir():
        raise GateError(
            f"the service is not installed: there is no {out.parent}; sudo ./systemd/install.sh"
            " first, or name a file such as --out gate.yaml"
        )
    draft = Draft.of(out)
    patient = gather(draft.config(), out, Board())  # whether it can be written shows here, too
    if patient.running:
        raise GateError(
            "a gate runs here and owns camera and relay; sudo systemctl stop smile-gate, then again"
        )
    ask = steps.Ask(yes, as_json)
    try:
        draft = steps.camera(draft, camera, still, ask)
        if no_relay:
            draft = steps.wired(draft, pin, active_high)
        else:
            draft = steps.relay(draft, patient, pin, active_high, ask)
        if not no_face:
            draft = steps.face(draft, ask)
        copy = _write(draft, ask)
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"\nNothing was written: {out} is as it was.", err=True)
        raise SystemExit(1) from None
    if start:
        _start()
    if as_json:
        changed = dict(draft.values)
        copied = copy and str(copy)
        say_json({"file": str(draft.path), "changed": changed, "copy": copied, "started": start})
    elif not start and out.resolve() == INSTALLED.resolve():
        click.echo("Start the gate: sudo systemctl start smile-gate; then smile-gate status")


def _write(draft: Draft, ask: steps.Ask) -> Path | None:
    """Write the draft once they agree; the path of the copy."""
    changes = draft.changes()
    if draft.path.exists() and not changes:
        ask.say(f"{draft.path} has all of this already; nothing was written")
        return None
    for change in changes:
        ask.say(f"  {change}")
    if not ask.sure(f"Write this to {draft.path}?"):
        raise click.Abort
    copy = draft.write(datetime.now(UTC))
    ask.say(f"wrote {draft.path}" + (f"; the file before is {copy.name} beside it" if copy else ""))
    return copy


def _start() -> None:
    """Start the service; returns once it is ready, as its unit says."""
    try:
        done = subprocess.run(["systemctl", "start", UNIT], check=False)
    except OSError:
        raise GateError(
            "written, but there is no systemctl here; smile-gate run --config FILE"
        ) from None
    if done.returncode:
        raise GateError("written, but the service did not start; journalctl -u smile-gate -n 50")
