"""The steps of ``smile-gate setup``: what is asked, tried and told of camera, relay and face."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from gate.cli.blocks import drawn
from gate.cli.common import console, say_json
from gate.cli.doctor import CONSENT, STEP_UP, as_dict, table
from gate.config import Config
from gate.config.edit import Draft
from gate.doctor import examine, proposal
from gate.doctor.camera import Shots, judged, shoot
from gate.doctor.face import judged as judged_face
from gate.doctor.face import meet
from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, Grade
from gate.errors import ConfigError, GateError
from gate.hardware.camera_names import at_hand, missing
from gate.hardware.picture_files import write_picture
from gate.system import durable
from gate.system.credentials import masked
from gate.vision.from_config import open_mounting
from gate.vision.view import plain

COLUMNS = 76
"""Width of a picture in the terminal, characters."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Questions to the technician, and what they are told."""

    yes: bool
    as_json: bool

    def sure(self, question: str, *, default: bool = True) -> bool:
        """Their answer; yes where nothing is asked."""
        return self.yes or click.confirm(question, default=default, err=True)

    def again(self, question: str) -> bool:
        """Whether they want to try again; no where nothing is asked."""
        return not self.yes and click.confirm(question, default=True, err=True)

    def tell(self, part: str, findings: list[Finding]) -> bool:
        """Show findings; whether none of them is a failure."""
        if self.as_json:
            for one in findings:
                say_json(as_dict(part, one))
        else:
            console().print(table({part: findings}))
        return all(one.verdict is not Grade.FAIL for one in findings)

    def say(self, text: str) -> None:
        """Say something that is no finding."""
        click.echo(text, err=self.as_json)


def camera(draft: Draft, named: str | None, still: Path | None, ask: Ask) -> Draft:
    """The draft with a camera whose pictures are good enough to go on."""
    while True:
        source, several = (_source(named), False) if named else _chosen(draft, ask)
        if gone := missing(source):
            raise GateError(f"camera.source {gone.text}")
        tried = draft.having(camera__source=source)
        config = tried.config()
        with Console(stderr=True).status("taking pictures"):
            shots = shoot(config)
        good = ask.tell("camera", list(judged(shots, config)))
        if shots.frames:
            _show(shots, config, still, ask)
        if good and not (several and not ask.sure("Is this the camera of the gate?")):
            return tried
        if not ask.again("Try again?"):
            raise GateError("the camera is not good enough yet, and nothing was written")


def _source(named: str) -> str | int:
    """A camera as the settings have it; a recording is meant from here, not from the file."""
    if named.isdecimal():
        return int(named)
    return os.path.abspath(named) if os.path.exists(named) else named


def _chosen(draft: Draft, ask: Ask) -> tuple[str | int, bool]:
    """A camera of this machine, and whether it was chosen from several."""
    now = draft.before.camera.source
    found = [now] if missing(now) is None else []
    found += [name for name in at_hand() if name != now]
    if not found:
        raise GateError(
            "no camera is here; plug it in (a Pi's own needs python3-picamera2), or name one such"
            " as --camera rtsp://10.0.0.7/live"
        )
    names = [masked(str(one)) for one in found]
    if ask.yes and len(found) > 1 and not (draft.path.exists() and found[0] == now):
        raise GateError(f"several cameras are here; name one with --camera: {', '.join(names)}")
    if ask.yes or len(found) == 1:
        ask.say(f"camera: {names[0]}")
        return found[0], False
    for number, name in enumerate(names, start=1):
        ask.say(f"  {number}  {name}")
    numbers = click.IntRange(1, len(found))
    return found[click.prompt("Which camera", default=1, type=numbers, err=True) - 1], True


def _show(shots: Shots, config: Config, still: Path | None, ask: Ask) -> None:
    """Draw the newest picture where the terminal has colours, and write it where asked for."""
    image = plain(open_mounting(config).upright(shots.frames[-1].image))
    screen = console()
    if screen.is_terminal and screen.color_system and not ask.as_json:
        screen.print(drawn(image, min(COLUMNS, screen.width)))
    if still is not None:
        write_picture(still, image)
        still.chmod(durable.PRIVATE)
        durable.as_its_folder(still)
        ask.say(f"picture: {still}; delete it when you have looked at it")


def wired(draft: Draft, pin: int | None, active_high: bool | None) -> Draft:
    """The draft with what is known of the relay; what is not stays."""
    known = {"relay__pin": pin, "relay__active_high": active_high}
    return draft.having(**{name: value for name, value in known.items() if value is not None})


def relay(
    draft: Draft, patient: Patient, pin: int | None, active_high: bool | None, ask: Ask
) -> Draft:
    """The draft with a relay that has moved, or that was not to be moved now."""
    while True:
        relay = draft.before.relay
        if pin is None and not ask.yes:
            question = "GPIO (Broadcom) number of the relay"
            pin = click.prompt(question, default=relay.pin, type=int, err=True)
        if active_high is None and not ask.yes:
            question = "Is the relay on at high level (no: many boards are on at low level)?"
            active_high = click.confirm(question, default=relay.active_high, err=True)
        tried = wired(draft, pin, active_high)
        try:
            config = tried.config()
        except ConfigError as error:
            if ask.yes:
                raise
            click.echo(str(error), err=True)
            pin = active_high = None
            continue
        if not ask.sure(CONSENT, default=False):
            ask.say("The relay was not moved; later: smile-gate doctor --only relay --relay")
            return tried
        asked = replace(patient, config=config, asked=frozenset({"relay"}))
        good = ask.tell("relay", examine(asked, "relay"))
        if good and ask.sure("Did it click once, and did the gate open and shut again?"):
            return tried
        if not ask.again("Try another pin or level?"):
            raise GateError("the relay does not move the gate yet, and nothing was written")
        pin = active_high = None


def face(draft: Draft, ask: Ask) -> Draft:
    """The draft with the smallest face and the region that fit who stood at the gate."""
    while True:
        question = "Does somebody stand where guests will stand, look into the camera and smile?"
        if not ask.sure(question):
            ask.say("No face was measured; later: smile-gate setup --no-relay")
            return draft
        with Console(stderr=True).status(STEP_UP):
            met = meet(proposal.for_looking(draft.config()))
        proposed = draft
        if met.boxes:
            smallest, region = proposal.min_height(met), proposal.region(met)
            proposed = draft.having(face__min_height=smallest, face__region=list(region))
        if ask.tell("face", [judged_face(met, proposed.config())]):
            break
        if not ask.again("Try again?"):
            raise GateError("no face was seen, and nothing was written; --no-face goes on without")
    ask.say(
        f"face.min_height {smallest:g}: a guest counts up to {proposal.FARTHER:g} times as far away"
    )
    part = "a face counts wherever it is" if region == proposal.WHOLE else "the guest's part of it"
    ask.say(f"face.region {[*region]}: left, top, width, height of the picture, {part}")
    return proposed if ask.sure("Take both?") else draft
