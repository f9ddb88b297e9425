"""``smile-gate demo``: the whole gate on a clip that everybody has."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import click

from gate.audit import Store
from gate.cli.common import FILE, example
from gate.config import Config
from gate.config.load import load
from gate.core.describe import describe
from gate.core.domain import Event, Observation, Position, Reason
from gate.core.transitions import Lane
from gate.errors import GateError
from gate.hardware.pin_factory import pin_factory
from gate.replay.demo_clip import FPS, write
from gate.replay.timeline import timeline
from gate.replay.trace import Trace, TraceEvent, TraceFrame
from gate.service.daemon import Daemon
from gate.vision.from_config import open_model

SETTINGS = """\
# The settings of the demo; try them: smile-gate run --config gate.yaml
camera: {source: clip.avi}
face: {lost_s: 0.7}
relay: {pin_factory: mock, hold_s: 1.0}
rearm: {after_s: 0.3}
store: {path: audit.db}
control: {socket: null}
"""


@example("smile-gate demo --out demo/")
@click.command("demo")
@click.option("--out", type=FILE, help="Keep clip, log and plot here; otherwise a new folder.")
def command(out: Path | None) -> None:
    """Run the real daemon on a rendered clip with mock pins and a fresh audit log.

    A guest walks up and smiles: the gate opens. A visitor whose eyes are covered is refused. The
    exit code is 1 if either did not happen.
    """
    folder = out or Path(tempfile.mkdtemp(prefix="smile-gate-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    clip, database = folder / "clip.avi", folder / "audit.db"
    for old in folder.glob("audit.db*"):
        old.unlink()
    frames = write(clip)
    click.echo(f"clip: {clip}, {frames} frames of a NASA photo (public domain)")
    (folder / "gate.yaml").write_text(SETTINGS)
    config = load(folder / "gate.yaml")
    pins = pin_factory(config.relay.pin_factory)
    trace = _run(config, pins)
    _print_log(database)
    _print_relay(pins.pin(config.relay.pin))
    picture = folder / "timeline.png"
    timeline(trace, picture, title="demo")
    click.echo(f"\ntimeline: {picture}")
    denials = trace.denials
    if trace.grants != 1 or denials != {Reason.EYES_CLOSED: 1}:
        raise GateError(
            f"expected one grant and one refusal (eyes_closed), but saw {trace.grants} grants and"
            f" refusals { ({str(reason): n for reason, n in denials.items()}) }"
        )
    click.echo("one guest granted, one visitor refused: as it should be")


def _run(config: Config, pins: Any) -> Trace:
    """Run the daemon in this process, and say what happens as it happens."""
    with_model = open_model(config)
    trace = Trace(config.rules(with_model.card.threshold), FPS)
    with_model.close()
    begun = time.monotonic()

    def on_frame(observation: Observation, lane: Lane) -> None:
        position = Position.GRANTED if pins.pin(config.relay.pin).state else Position.SAFE
        if position is not (trace.moves[-1][1] if trace.moves else Position.SAFE):
            trace.moves.append((observation.monotonic, position))
        trace.moments.append(TraceFrame(observation, lane.state, lane.count, 0.0))

    def on_event(event: Event) -> None:
        trace.happenings.append(TraceEvent(len(trace.moments), event))
        click.echo(f"{event.monotonic - begun:7.2f} s  {describe(event)}")

    click.echo("\nthe daemon runs:")
    Daemon(config, factory=pins, on_event=on_event, on_frame=on_frame).run()
    return trace


def _print_log(database: Path) -> None:
    click.echo("\nthe audit log:")
    store = Store.open(database, read_only=True)
    try:
        for record in store.records():
            wall = record.wall.astimezone().strftime("%H:%M:%S.%f")[:-3]
            click.echo(f"{record.sequence:4d}  {wall}  {describe(record.event)}")
    finally:
        store.close()


def _print_relay(pin: Any) -> None:
    click.echo("\nthe relay's line:")
    elapsed = 0.0
    for change in pin.states:
        elapsed += change.timestamp
        click.echo(f"{elapsed:7.2f} s  {'on' if change.state else 'off'}")
    if pin.state:
        raise GateError("the relay's line was left on")
