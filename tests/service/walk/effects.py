"""For each setting: two values, and what of the gate's world shows which of them is in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gate.core.domain import EventKind, Reason, State, Trigger
from gate.interfaces.control.peer import Role
from tests.fakes import seen
from tests.service.walk.gate import Gate
from tests.service.walk.lines import (
    HEARD,
    after_the_alarm,
    beats,
    bounce,
    driven,
    half_a_beat,
    heard,
    in_an_emergency,
    is_closed,
    limit,
    lit,
    lit_by,
    lit_while_open,
    named,
    pull,
    rest_and_grant,
    until_dark,
    until_reported,
    until_shut,
    until_the_next,
    while_the_guest_stays,
)
from tests.service.walk.log import (
    PORTS,
    addresses,
    answering,
    at_fault,
    copies_after_a_night,
    groups_with,
    how_often,
    log_of,
    logged_in,
    night,
    old_copies,
    ports,
    pruned_at_night,
    rows_name,
    steering_group,
    until_a_silent_log_is_a_fault,
    until_healthy,
    without_a_log,
    written,
)
from tests.service.walk.seeing import (
    DIM,
    FAR,
    NEAR,
    ON_ITS_SIDE,
    TWO,
    after_a_miss,
    after_three,
    found_at_once,
    frames_to_a_grant,
    how_many,
    is_left,
    last,
    models_asked,
    obstacle,
    other_model,
    pauses,
    request,
    source,
    until_left,
    until_opened_again,
    until_stale,
)
from tests.service.walk.world import World

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """A setting's values before and after, and what ``shown`` gives with each."""

    old: Any
    new: Any
    shown: Callable[[Gate], object]
    gives: tuple[object, object]
    base: Values = field(default_factory=dict)
    """Other settings that it needs to show."""
    world: Callable[[World], object] = lambda world: None
    """What the gate finds when it starts."""


LAMP = {"name": "lamp", "pin": 22, "shows": ["idle"]}


def lamp(**changes: object) -> Values:
    return {"outputs": [LAMP | changes]}


WIRE = {"pin": 5, "debounce_s": 0}
DAY = {"days": ["wed"], "opens": "09:00", "closes": "18:00"}
HOURS = {"lane": {"hours": [DAY], "timezone": "UTC"}}
"""It is always noon of a Wednesday here."""


CRASHED = log_of("", "", "", kind=EventKind.UNCLEAN_END, ago=timedelta(seconds=100))


def wire(name: str) -> dict[str, Effect]:
    """The settings of one of them."""
    base, show = {"inputs": {name: WIRE}}, heard(HEARD[name])
    return {
        f"inputs.{name}": Effect(None, WIRE, show, (False, True)),
        f"inputs.{name}.pin": Effect(5, 6, show, (True, False), base),
        f"inputs.{name}.wiring": Effect(
            "normally_open", "normally_closed", show, (True, False), base
        ),
        f"inputs.{name}.pull": Effect("up", "down", pull, ("up", "down"), base),
        f"inputs.{name}.debounce_s": Effect(0, 0.1, bounce, (None, 0.1), base),
    }


EFFECTS: dict[str, Effect] = {
    "gate.id": Effect("west", "east", rows_name, ("west", "east")),
    "camera.source": Effect("a.avi", "b.avi", source, ("a.avi", "b.avi")),
    "camera.width": Effect(640, 800, request("width"), (640, 800)),
    "camera.height": Effect(480, 600, request("height"), (480, 600)),
    "camera.fps": Effect(15, 5, request("fps"), (15, 5)),
    "camera.flicker_hz": Effect(50, 60, request("flicker_hz"), (50, 60)),
    "camera.rotate": Effect(0, 90, last(ON_ITS_SIDE, how_many), (0, 1)),
    "camera.mirror": Effect(False, True, last(FAR, is_left), (True, False)),
    "camera.loop": Effect(
        False,
        True,
        lambda gate: gate.parts.vision.frames.camera.over,
        (True, False),
        world=lambda world: setattr(world, "clips", 3),
    ),
    "camera.stale_after_s": Effect(2, 20, until_stale, (3, 21)),
    "camera.stuck_after_s": Effect(7, 52, until_opened_again, (10, 55)),
    "camera.retry_first_s": Effect(0.5, 2, lambda gate: pauses(gate)[0], (0.5, 2)),
    "camera.retry_max_s": Effect(30, 4, lambda gate: max(pauses(gate)), (30, 4)),
    "face.min_height": Effect(0.1, 0.3, last(FAR, how_many), (1, 0)),
    "face.region": Effect([0, 0, 1, 1], [0.6, 0, 0.4, 1], last(FAR, how_many), (1, 0)),
    "face.similar": Effect(0.9, 0.6, last(TWO, obstacle, 25), (None, Reason.MORE_THAN_ONE_FACE)),
    "face.acquire_s": Effect(3, 0.1, found_at_once, (False, True)),
    "face.lost_s": Effect(1, 5, until_left, (1, 5)),
    "light.darkest": Effect(14, 60, last(DIM, obstacle), (None, Reason.TOO_DARK)),
    "light.brightest": Effect(248, 120, last(NEAR, obstacle), (None, Reason.TOO_BRIGHT)),
    "smile.model": Effect(
        None, "other.tflite", models_asked("other.tflite"), (False, True), world=other_model
    ),
    "smile.threshold": Effect(
        0.5, 0.95, after_three(seen(0.9)), (State.SMILING, State.FACE_PRESENT)
    ),
    "smile.frames": Effect(3, 6, frames_to_a_grant, (4, 7)),
    "smile.missed_frames": Effect(3, 0, after_a_miss, (State.SMILING, State.FACE_PRESENT)),
    "eyes.required": Effect(
        True, False, after_three(seen(eyes=0)), (State.FACE_PRESENT, State.SMILING)
    ),
    "eyes.open": Effect(
        "both", "one", after_three(seen(eyes=1)), (State.FACE_PRESENT, State.SMILING)
    ),
    "eyes.method": Effect("haar", "model", models_asked("eyes.tflite"), (False, True)),
    "liveness.mode": Effect("off", "neutral_first", last(NEAR, lambda it: it.alive), (True, False)),
    "relay.pin_factory": Effect(
        "mock", "native", lambda gate: gate.world.libraries[-1], ("mock", "native")
    ),
    "relay.pin": Effect(17, 18, driven, ([17], [18])),
    "relay.active_high": Effect(True, False, rest_and_grant, ((False, True), (True, False))),
    "relay.power_loss": Effect(
        "fail_secure", "fail_safe", rest_and_grant, ((False, True), (True, False))
    ),
    "relay.on_emergency": Effect("open", "shut", in_an_emergency, (True, False)),
    "relay.mode": Effect("hold", "pulse", limit, (10, 0.3)),
    "relay.pulse_s": Effect(0.3, 0.6, limit, (0.3, 0.6), {"relay": {"mode": "pulse"}}),
    "relay.hold_s": Effect(1, 3, until_shut, (1, 3)),
    "relay.max_on_s": Effect(10, 20, limit, (10, 20)),
    "outputs": Effect([], [LAMP], lit, ([], [22])),
    "outputs.name": Effect("lamp", "buzzer", named, ("lamp", "buzzer"), lamp()),
    "outputs.pin": Effect(22, 23, lit, ([22], [23]), lamp()),
    "outputs.active_high": Effect(True, False, lit, ([22], []), lamp()),
    "outputs.shows": Effect(["idle"], ["fault"], lit, ([22], []), lamp()),
    "outputs.flashes": Effect(
        ["tamper"], ["forced"], lit_by(Trigger.TAMPER), ([22], []), lamp(shows=[])
    ),
    "outputs.flash_s": Effect(1, 5, until_dark, (1, 5), lamp(shows=[], flashes=["tamper"])),
    "interlocks": Effect(
        [], [["gate", "lamp"]], lit_while_open, ([22], []), lamp(shows=["idle", "granted"])
    ),
    "heartbeat.pin": Effect(None, 24, beats, (False, True)),
    "heartbeat.active_high": Effect(
        True,
        False,
        lambda gate: gate.level(24),  # the first beat
        (True, False),
        {"heartbeat": {"pin": 24}},
    ),
    "heartbeat.period_s": Effect(1, 4, half_a_beat, (0.5, 2), {"heartbeat": {"pin": 24}}),
    **{name: effect for one in HEARD for name, effect in wire(one).items()},
    "inputs.emergency_latches": Effect(
        True,
        False,
        after_the_alarm,
        (State.EMERGENCY, State.IDLE),
        {"inputs": {"emergency": WIRE}},
    ),
    "inputs.door_held_s": Effect(5, 15, until_reported, (5, 15), {"inputs": {"door": WIRE}}),
    "rearm.rule": Effect("face_gone", "cool_down", while_the_guest_stays, (True, False)),
    "rearm.after_s": Effect(2, 8, until_the_next, (2, 8)),
    "lane.hours": Effect([], [DAY | {"opens": "13:00"}], is_closed, (False, True)),
    "lane.hours.days": Effect(["wed"], ["sat"], is_closed, (False, True), HOURS),
    "lane.hours.opens": Effect("09:00", "13:00", is_closed, (False, True), HOURS),
    "lane.hours.closes": Effect("18:00", "11:00", is_closed, (False, True), HOURS),
    "lane.timezone": Effect("UTC", "America/New_York", is_closed, (False, True), HOURS),
    "store.path": Effect("audit.db", "other.db", logged_in, (["audit.db"], ["other.db"])),
    "store.when_unwritable": Effect("deny", "grant_and_journal", without_a_log, (False, True)),
    "store.grant_within_s": Effect(0.5, 2, until_a_silent_log_is_a_fault, (0.5, 2)),
    "store.keep_days": Effect(
        None, 2, pruned_at_night, (False, True), world=log_of("old", ago=timedelta(days=3))
    ),
    "store.keep_megabytes": Effect(
        None,
        10,
        pruned_at_night,
        (False, True),
        world=log_of(*(f"{n}{'x' * 2**20}" for n in range(12)), ago=timedelta(days=3)),
    ),
    "store.backup_to": Effect(None, "copies", copies_after_a_night, (0, 1)),
    "store.backups_kept": Effect(
        2, 1, copies_after_a_night, (2, 1), {"store": {"backup_to": "copies"}}, old_copies
    ),
    "store.upkeep_at": Effect("03:30", "04:45", night, ("03:30", "04:45")),
    "service.crash_starts": Effect(2, 9, at_fault, (True, False), world=CRASHED),
    "service.crash_window_s": Effect(300, 30, at_fault, (True, False), world=CRASHED),
    "service.healthy_after_s": Effect(60, 10, until_healthy, (60, 10), world=CRASHED),
    "control.socket": Effect("a.sock", "b.sock", answering, (["a.sock"], ["b.sock"])),
    "control.group": Effect(
        "west", "east", steering_group, (["west"], ["east"]), {"control": {"socket": "a.sock"}}
    ),
    **{
        f"control.{name}": Effect(
            ["west"],
            ["east"],
            groups_with(role),
            (["west"], ["east"]),
            {"control": {"socket": "a.sock"}},
        )
        for name, role in (
            ("viewers", Role.WATCH),
            ("readers", Role.READ),
            ("speakers", Role.SPEAK),
        )
    },
    "metrics.port": Effect(*PORTS, ports, ([True, False], [False, True])),
    "metrics.address": Effect(
        "127.0.0.1",
        "127.0.0.2",
        addresses,
        ([True, False], [False, True]),
        {"metrics": {"port": PORTS[0]}},
    ),
    "metrics.textfile": Effect(None, "gate.prom", written, (False, True)),
    "metrics.textfile_every_s": Effect(
        15, 5, how_often, (15, 5), {"metrics": {"textfile": "gate.prom"}}
    ),
}
