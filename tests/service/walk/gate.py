"""A running gate in a `World`; its loop is turned by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gate.config import Applied
from gate.config.load import load
from gate.core.domain import Event, EventKind, Frame, Observation, Signal, State, Trigger
from gate.core.recorder import Outcome
from gate.core.transitions import Lane
from gate.interfaces.control.from_config import open_server
from gate.interfaces.control.peer import Peer, Role
from gate.interfaces.control.protocol import Command, Request
from gate.service import reload
from gate.service.commands import carry_out
from gate.service.daemon import Daemon
from gate.service.inbox import Call, Inbox
from gate.service.parts import Parts
from gate.service.start import start
from gate.system.systemd import Notifier

if TYPE_CHECKING:
    from gate.core.domain import Image

from tests.service.walk.world import World
from tests.waiting import PATIENCE_S

ALICE = Peer("alice", frozenset({Role.STEER}))


class Gate:
    """A running gate; its loop is turned by hand."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self.world = world
        self.file = world.folder / "gate.yaml"
        self._frames = 0
        self._seen: Observation | None = None
        inbox = Inbox()
        stack.callback(inbox.close)
        config = load(self.file)
        daemon = Daemon(config, path=self.file)
        server = open_server(config, daemon._answer, daemon._queries.answer)
        self.events: list[Event] = []
        self.parts: Parts = start(
            config,
            self.file,
            stack,
            inbox,
            Notifier({}),
            factory=None,
            on_event=self.events.append,
            on_frame=self._keep,
        )
        stack.callback(world.release)
        if server is not None:
            stack.callback(server.close)
            server.start()
        world.settle()
        self.turn()

    def turn(self, after_s: float = 0.0) -> None:
        """Take what was posted, and look after the parts, some time later."""
        self.world.now += after_s
        self.take_letters()
        self.parts.look_after(self.world.now)
        self.take_letters()

    def take_letters(self) -> None:
        """Take what was posted, and what the log's thread has written of it, until it is quiet."""
        controller = self.parts.lane.controller
        while True:
            assert self.parts.log.writer.settle(PATIENCE_S)
            letters = self.parts.inbox.poll(0)[0]
            if not letters:
                return
            for letter in letters:
                assert not isinstance(letter, Call)
                if isinstance(letter, Outcome):
                    controller.settle(letter, self.world.now)
                elif self.parts.lane.closures.still(letter):
                    controller.process(letter, self.world.now)

    def reload(self, without: Applied | None = None) -> None:
        """Apply the file; in every way but one where a test asks so, whatever is declared."""
        with pytest.MonkeyPatch.context() as patch:
            if without is not None:
                way = Applied.NOW if without is Applied.PIPELINE else Applied.PIPELINE
                patch.setattr("gate.service.reload.applied", lambda name: way)
            plan = reload.prepare(self.parts, self.file)
        if without is not None:
            plan = replace(plan, needs=frozenset(Applied) - {without, Applied.RESTART})
        reload.apply(self.parts, plan, "alice")
        self.world.settle()
        self.turn()

    def open_by_hand(self) -> None:
        """Let a guest in. Raises `ControlError`."""
        carry_out(self.parts, Request(Command.OPEN, ALICE, "a pram"), self.world.now)
        self.take_letters()

    def signal(self, trigger: Trigger) -> None:
        self.parts.lane.controller.process(Signal(trigger), self.world.now)

    def guest(self, observation: Observation) -> State:
        """Show the lane what a frame shows."""
        self.parts.lane.controller.observe(observation, self.world.now)
        return self.state

    def look(self, pictures: Iterable[Image]) -> list[Observation]:
        """Show the gate pictures, 15 a second, and return what it saw in them."""
        seen = []
        for picture in pictures:
            self.world.now += 1 / 15
            self._frames += 1
            image = np.array(picture)
            image[0, 0] = 200 * (self._frames % 2)  # a camera gives no picture twice
            frame = Frame(image, self._frames, self.world.now)
            self.parts.vision.frames.process(frame, self.world.now)
            assert self._seen is not None
            seen.append(self._seen)
        return seen

    def seconds_until(self, there: Callable[[], bool], step: float = 0.5) -> float:
        """How long it takes, by the loop's time, in steps; two minutes at most."""
        for number in range(round(120 / step)):
            if there():
                return number * step
            self.turn(step)
        raise AssertionError("it never came to this")

    def press(self, pin: int) -> None:
        """Close the contact at a line."""
        self.world.pins.pin(pin).drive_low()
        self.turn()

    def release(self, pin: int) -> None:
        """Open the contact at a line."""
        self.world.pins.pin(pin).drive_high()
        self.turn()

    def level(self, pin: int) -> bool:
        """Whether a line is at high level."""
        return bool(self.world.pins.pin(pin).state)

    def recorded(self, kind: EventKind) -> bool:
        return any(event.kind is kind for event in self.events)

    def run_job(self, name: str) -> None:
        """Do now what the calendar does at its time."""
        scheduler = self.parts.lane.jobs._scheduler
        assert scheduler is not None
        scheduler.get_job(name).func()

    @property
    def state(self) -> State:
        return self.parts.lane.controller.lane.state

    def _keep(self, observation: Observation, _lane: Lane) -> None:
        self._seen = observation


def write(folder: Path, values: dict[str, Any]) -> None:
    """Write the gate's file, and an empty one for the film that it names; JSON is YAML."""
    (folder / values["camera"]["source"]).touch()
    (folder / "gate.yaml").write_text(json.dumps(values))
