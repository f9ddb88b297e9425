"""What a gate finds outside of itself: mock pins, a camera, timers, and time set by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory

from gate.errors import CameraError, EndOfClip
from gate.hardware.camera import CameraRequest
from gate.hardware.relay import NoOverseer
from gate.interfaces.control.peer import Credentials, Grants, Peer, identify
from gate.vision.classifier import TFLiteClassifier

if TYPE_CHECKING:
    from gate.core.domain import Image

PATIENCE_S = 20
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
"""A Wednesday."""


def wait_until(there: Callable[[], object]) -> None:
    """Wait for another thread to come so far."""
    give_up = time.perf_counter() + PATIENCE_S
    while not there():
        assert time.perf_counter() < give_up, "nothing happened"
        time.sleep(0.001)


class World:
    """What a gate finds outside of itself; it remembers what the gate did to it."""

    def __init__(self, folder: Path, journal: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self.journal = journal
        self.pins = MockFactory()
        self.libraries: list[str] = []
        """Of the pins, as they were asked for."""
        self.now = 1000.0
        self.opened: list[tuple[str | int, CameraRequest]] = []
        self.failures = 0
        """So many openings of the camera fail."""
        self.clips = 0
        """So many openings give a clip without a picture."""
        self.pauses: list[float] = []
        """How long the camera's thread waited before each new try."""
        self.writes: list[float] = []
        """How long the metrics' thread waited before the next file."""
        self.asked: set[str] = set()
        """Model files that judged a picture."""
        self.grants: Grants = {}
        """The groups of each role, as they were when a stranger last asked."""
        self._threads: list[threading.Thread] = []
        self._waiting: set[int] = set()
        self._over = threading.Event()

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Put this world in the place of the real one."""
        world = self

        class Classifier(TFLiteClassifier):
            def __init__(self, path: Path | None = None) -> None:
                super().__init__(path)
                self.file = path.name if path else "smile.tflite"

            def score(self, crops: Any) -> Any:
                world.asked.add(self.file)
                return super().score(crops)

        class Today(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # of datetime, not of Today
                return NOON.astimezone(tz)

        def stranger(who: Credentials, grants: Grants) -> Peer:
            world.grants = grants
            return identify(replace(who, uid=65534, gid=65534), grants)

        patch.setattr("gate.system.clock.synchronised", lambda: True)
        patch.setattr("gate.service.start.pin_factory", self._pin_factory)
        patch.setattr("gate.service.start.open_guard", lambda config: CalmGuard())
        patch.setattr("gate.vision.from_config.TFLiteClassifier", Classifier)
        patch.setattr("gate.hardware.camera.open_source", self._open)
        patch.setattr("gate.interfaces.control.server.identify", stranger)
        patch.setattr("gate.service.jobs.datetime", Today)
        patch.setattr(time, "monotonic", lambda: self.now)
        stand_ins: dict[str, dict[str, Any]] = {
            "gate.hardware.relay": {"Thread": Asleep},
            "gate.hardware.camera_thread": {
                "Event": lambda: Pause(self.pauses, waits=False),
                "Thread": self._thread,
            },
            "gate.interfaces.metrics.prometheus": {
                "Event": lambda: Pause(self.writes),
                "Thread": self._thread,
            },
        }
        for module, names in stand_ins.items():
            patch.setattr(f"{module}.threading", SimpleNamespace(**(vars(threading) | names)))

    def settle(self) -> None:
        """Wait until every thread of a camera is inside of its driver, or has ended."""
        wait_until(lambda: len(self._waiting) == self.running("camera"))

    def running(self, name: str) -> int:
        """How many threads of that name run."""
        return sum(thread.name == name and thread.is_alive() for thread in self._threads)

    def release(self) -> None:
        """Let the camera's drivers return."""
        self._over.set()

    def _thread(self, **options: Any) -> threading.Thread:
        self._threads.append(threading.Thread(**options))
        return self._threads[-1]

    def _pin_factory(self, name: str) -> MockFactory:
        self.libraries.append(name)
        return self.pins

    def _open(self, name: str | int, wanted: CameraRequest) -> Camera:
        if self.failures:
            self.failures -= 1
            raise CameraError("no camera")
        self.opened.append((name, wanted))
        return Camera(self)

    def read(self) -> Image:
        """Give no picture, or none any more."""
        if self.clips:
            self.clips -= 1
            raise EndOfClip("over")
        self._waiting.add(threading.get_ident())
        self._over.wait()
        self._waiting.discard(threading.get_ident())
        raise EndOfClip("the test is over")


class Camera:
    """A camera without pictures: a test hands the gate its frames."""

    live, fps, count, taken_s = True, 15.0, None, None

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self) -> Image:
        return self._world.read()

    def close(self) -> None:
        """Nothing is open."""


class Pause(threading.Event):
    """An event that remembers for how long it was waited for."""

    def __init__(self, kept: list[float], *, waits: bool = True) -> None:
        super().__init__()
        self._kept, self._waits = kept, waits

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            return super().wait()
        self._kept.append(timeout)
        return super().wait(timeout if self._waits else 0)


class Asleep(threading.Thread):
    """The relay's limit, which a test lets come by hand."""

    def start(self) -> None:
        """Stay asleep."""

    def join(self, timeout: float | None = None) -> None:
        """Nothing runs."""


class CalmGuard(NoOverseer):
    """A guard without a process, that is always well: time stands still for it too."""

    problem: str | None = None

    def supervise(self, now: float) -> None:
        """There is nothing to supervise."""

    def leave_lines(self) -> None:
        """No line is left to it."""

    def close(self) -> None:
        """Nothing runs."""
