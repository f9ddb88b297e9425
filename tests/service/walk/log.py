"""Probes of log, sockets and files; each asks the gate's world, no configuration."""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.audit import Store
from gate.core.domain import Event, EventKind, State
from gate.core.recorder import Batch
from gate.errors import ControlError, StoreError
from gate.interfaces.control.peer import Role
from tests.daemons import records
from tests.service.walk.gate import Gate
from tests.service.walk.world import World, wait_until

# The log.


def logged_in(gate: Gate) -> object:
    gate.open_by_hand()
    found = []
    for name in ("audit.db", "other.db"):
        with suppress(StoreError):
            kinds = [record.event.kind for record in records(gate.world.folder / name)]
            found += [name] * (EventKind.OPERATOR_GRANTED in kinds)
    return found


def rows_name(gate: Gate) -> object:
    gate.open_by_hand()
    return records(gate.world.folder / "audit.db")[-1].origin.gate


def without_a_log(gate: Gate) -> object:
    with gate.parts.log.store.session.driver() as connection:
        connection.execute("PRAGMA query_only = ON")
    with suppress(ControlError):
        gate.open_by_hand()
    return gate.level(17)


def log_of(*details: str, kind: EventKind = EventKind.EXPORTED, ago: timedelta) -> Any:
    """A log with events of some time ago."""

    def make(world: World) -> None:
        wall = datetime.now(UTC) - ago
        with closing(Store.open(world.folder / "audit.db", now=lambda: (wall, True))) as store:
            store.record([Event(kind, 1.0, detail=detail) for detail in details])

    return make


def pruned_at_night(gate: Gate) -> object:
    gate.run_job("upkeep")
    kinds = [record.event.kind for record in records(gate.world.folder / "audit.db")]
    return EventKind.PRUNED in kinds


def copies_after_a_night(gate: Gate) -> object:
    gate.run_job("upkeep")
    return len(list((gate.world.folder / "copies").glob("*.db")))


def old_copies(world: World) -> None:
    (world.folder / "copies").mkdir()
    for year in (2020, 2021):
        (world.folder / "copies" / f"audit-{year}0101T000000Z.db").touch()


def night(gate: Gate) -> object:
    scheduler = gate.parts.lane.jobs._scheduler
    assert scheduler is not None
    return f"{scheduler.get_job('upkeep').next_run_time:%H:%M}"


def at_fault(gate: Gate) -> bool:
    return gate.state is State.FAULT


class SilentLog:
    """A log that never answers."""

    def submit(self, batch: Batch, now: float) -> None:
        """Take it, and say nothing."""


def until_a_silent_log_is_a_fault(gate: Gate) -> object:
    gate.parts.lane.controller._writer = SilentLog()
    gate.open_by_hand()
    return gate.seconds_until(lambda: at_fault(gate))


def until_healthy(gate: Gate) -> object:
    assert at_fault(gate)
    return gate.seconds_until(lambda: not at_fault(gate), 5)


# Sockets and files for others.


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PORTS = (free_port(), free_port())


def ask(gate: Gate, name: str) -> str:
    """What a stranger is told at a control socket who wants to close the lane."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(gate.world.folder / name))
        except OSError:
            return "nobody"
        client.sendall(b'{"command": "close"}\n')
        answer = json.loads(client.makefile().readline())
    return str(answer["error"])


def answering(gate: Gate) -> object:
    return [name for name in ("a.sock", "b.sock") if ask(gate, name) != "nobody"]


def steering_group(gate: Gate) -> object:
    return re.findall(r"-aG (\w+)", ask(gate, "a.sock"))


def groups_with(role: Role) -> Callable[[Gate], object]:
    """The groups that have the role, as they are when a stranger asks."""

    def shown(gate: Gate) -> object:
        ask(gate, "a.sock")
        return [*gate.world.grants[role]]

    return shown


def page(address: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=5) as answer:
            return b"smile_gate_" in answer.read()
    except (urllib.error.URLError, OSError):
        return False


def ports(gate: Gate) -> object:
    return [page("127.0.0.1", port) for port in PORTS]


def addresses(gate: Gate) -> object:
    return [page(address, PORTS[0]) for address in ("127.0.0.1", "127.0.0.2")]


def written(gate: Gate) -> object:
    file = gate.world.folder / "gate.prom"
    wait_until(lambda: file.exists() or not gate.world.running("metrics"))
    return file.exists()


def how_often(gate: Gate) -> object:
    wait_until(lambda: gate.world.writes)
    return gate.world.writes[-1]
