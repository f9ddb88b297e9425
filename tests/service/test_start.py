"""The order in which a gate starts, seen from starts that fail on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

import gate.vision.from_config
from gate.audit import Store
from gate.config.load import load
from gate.core.domain import Event, EventKind
from gate.errors import ModelError, StoreError
from gate.service.inbox import Inbox
from gate.service.parts import Parts
from gate.service.start import start
from gate.system.systemd import Notifier
from tests.daemons import WriteConfig


class Starter:
    """Starts a gate on mock pins, and keeps what it recorded."""

    def __init__(self) -> None:
        self.pins = MockFactory()
        self.events: list[Event] = []
        self.stack = ExitStack()

    def start(self, config: Path) -> Parts:
        inbox = Inbox()
        self.stack.callback(inbox.close)
        return start(
            load(config),
            config,
            self.stack,
            inbox,
            Notifier({}),
            factory=self.pins,
            on_event=self.events.append,
            on_frame=lambda observation, lane: None,
        )

    def relay_was_driven(self) -> bool:
        return any(state.state for state in self.pins.pin(17).states)


@pytest.fixture
def starter() -> Iterator[Starter]:
    one = Starter()
    with one.stack:
        yield one


@pytest.mark.parametrize("missing", ["the model", "the log"])
def test_an_emergency_opens_before_model_and_log_are_there(
    starter: Starter, write_config: WriteConfig, tmp_path: Path, missing: str
) -> None:
    """Whatever then keeps the gate from starting: a cut wire has moved the relay by then."""
    config = write_config(
        inputs={"emergency": {"pin": 5, "debounce_s": 0, "wiring": "normally_closed"}},
        smile={"model": "none.tflite"} if missing == "the model" else {},
    )
    (tmp_path / "audit.db").mkdir()
    with pytest.raises((ModelError, StoreError)):
        starter.start(config)
    assert starter.relay_was_driven()


def test_a_start_that_fails_is_not_a_run(
    starter: Starter,
    write_config: WriteConfig,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Nothing is recorded: the next start must not take it for a crash."""
    monkeypatch.setattr(gate.vision.from_config, "EYES", "models/none.tflite")
    with pytest.raises(ModelError):
        starter.start(write_config())
    assert starter.events == []
    starter.stack.close()
    with closing(Store.open(tmp_path / "audit.db", read_only=True)) as store:
        assert [it.event.kind for it in store.records()] == [EventKind.LOG_BEGUN]


def test_what_was_started_is_stopped(starter: Starter, write_config: WriteConfig) -> None:
    """The end of the stack leaves no thread of the camera, and no line that is held."""
    parts = starter.start(write_config(camera={"loop": True}))
    reader = parts.vision.frames.camera._reader.thread
    assert reader.is_alive()
    starter.stack.close()
    assert not reader.is_alive()
    assert starter.pins.pin(17).function == "input"
