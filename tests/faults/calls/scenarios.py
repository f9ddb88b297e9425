"""What happens while a call fails, what is asked of the gate then, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable

from gate.core.domain import State
from gate.interfaces.control.protocol import Command
from tests.faults.calls.targets import EMERGENCY, EXIT, KEY
from tests.faults.calls.wiring import HOLD_S, MAX_ON_S
from tests.faults.calls.world import HEAL_S, World

READY_S = 10.0


def start(world: World) -> None:
    """The gate starts, as far as it can."""
    world.targets.watch(world.folder)
    world.may_run = True
    world.until(lambda: world.state is State.IDLE)
    world.wait(0.2)


def guest(world: World) -> None:
    """A guest smiles, and is let in."""
    ready(world)
    world.guest = True
    world.until(lambda: bool(world.open))
    world.wait(0.2)
    world.guest = False
    shuts(world)
    world.wait(0.3)


def press(world: World) -> None:
    """Somebody inside presses the exit button, and once more while it is open."""
    ready(world)
    leave(world)
    world.wait(0.1)
    world.press()
    shuts(world)
    world.wait(0.3)


def pulse(world: World) -> None:
    """The exit button gives a pulse, and another one while the first grant still runs."""
    world.settings(mode="pulse", pulse_s=0.15)
    ready(world)
    leave(world)
    world.until(lambda: not world.open)
    leave(world)
    shuts(world)
    world.wait(0.3)


def emergency(world: World) -> None:
    """The emergency contact closes, opens, and the key ends it."""
    ready(world)
    flee(world)
    world.targets.rest()


def reload(world: World) -> None:
    """Settings are changed and reloaded: all of them, or none."""
    ready(world, arm=False)
    world.settings(hold_s=HOLD_S + 0.1, fps=4.0)
    world.targets.watch(world.folder)
    world.reload()
    world.wait(0.6)
    if world.daemon is not None and hasattr(world.daemon, "parts"):
        parts = world.daemon.parts
        hold_s = {parts.config.relay.hold_s, parts.lane.controller.rules.hold_s}
        fps = {parts.config.camera.fps}
        new = hold_s == {HOLD_S + 0.1} and fps == {4.0}
        old = hold_s == {HOLD_S} and fps == {5.0}
        world.promise(new or old, f"half a reload: {hold_s}, {fps}")
        unharmed = world.targets.failure is None
        world.promise(new or not unharmed, "a reload that nothing harms changes nothing")


def stop(world: World) -> None:
    """The gate is stopped while it is open for a guest."""
    ready(world, arm=False)
    world.guest = True
    world.until(lambda: bool(world.open))
    world.guest = False
    world.targets.watch(world.folder)
    world.stop()
    world.targets.rest()


def stop_in_emergency(world: World) -> None:
    """The gate is stopped in an emergency, which outlives it."""
    ready(world, arm=False)
    world.alarm()
    world.until(lambda: world.state is State.EMERGENCY)
    world.wait(0.1)
    world.calm()
    world.targets.watch(world.folder)
    world.stop()
    world.targets.rest()
    world.until(lambda: world.state is not None)
    world.wait(0.2)
    world.promise(
        world.state is State.EMERGENCY or world.lost(), f"after a restart it was {world.state}"
    )
    world.turn_key()


SCENARIOS: dict[str, Callable[[World], None]] = {
    "start": start,
    "guest": guest,
    "press": press,
    "pulse": pulse,
    "emergency": emergency,
    "reload": reload,
    "stop": stop,
    "stop-in-emergency": stop_in_emergency,
}


def play(world: World, name: str) -> None:
    """A scenario with its failure, the way out meanwhile, and the coming back once it is mended."""
    SCENARIOS[name](world)
    world.targets.rest()
    world.until(lambda: world.state is not None)
    way_out(world)
    world.mend()
    come_back(world)
    world.stop()
    world.over = True


def ready(world: World, *, arm: bool = True) -> None:
    """Start the gate unharmed, and then begin to count."""
    world.may_run = True
    assert world.until(lambda: world.state is State.IDLE, READY_S), "the gate did not start"
    world.wait(0.3)
    if arm:
        world.targets.watch(world.folder)


def way_out(world: World) -> None:
    """In the fault: the exit button opens, and so does an emergency."""
    leave(world)
    shuts(world)
    flee(world)


def leave(world: World) -> None:
    """The exit button opens."""
    world.press()
    opened = world.until(lambda: bool(world.open))
    world.promise(opened or world.lost(EXIT), "the exit button did not open")


def shuts(world: World) -> None:
    """What was opened shuts."""
    shut = world.until(lambda: not world.open, MAX_ON_S + 1)
    if not shut:
        world.hold_to_limit()


def flee(world: World) -> None:
    """An emergency opens, lasts until it is ended, and then the gate shuts."""
    world.alarm()
    opened = world.until(lambda: bool(world.open))
    world.promise(opened or world.lost(EMERGENCY), "an emergency did not open the gate")
    world.wait(0.3)
    world.calm()
    world.wait(0.2)
    stays = bool(world.open) or world.lost(EMERGENCY)
    world.promise(stays, "an emergency did not last until it was ended")
    world.turn_key()
    over = world.until(lambda: world.state is not State.EMERGENCY)
    world.promise(over or world.lost(KEY, EMERGENCY), "the key did not end the emergency")
    if over:
        shuts(world)


def come_back(world: World) -> None:
    """Once the part is mended, a guest is let in again; an operator may have to clear a fault."""
    if not world.until(lambda: world.state is State.IDLE, HEAL_S):
        if world.state is State.EMERGENCY:
            world.turn_key()
        world.operate(Command.CLEAR_FAULT)
        world.operate(Command.REOPEN)  # a close that could not be read counts as one
        world.until(lambda: world.state is State.IDLE, HEAL_S)
    world.wait(0.5)
    before, world.guest = world.let_in, True
    let_in = world.until(lambda: world.let_in > before, 6)
    world.promise(let_in, f"mended, and no guest is let in: {world.state}")
    world.guest = False
    shuts(world)
