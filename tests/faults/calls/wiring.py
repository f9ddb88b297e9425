"""How the gates of the trials are wired, and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.calls.targets import EMERGENCY, EXIT, GATE, GREEN, KEY, RED

FPS = 5.0
HOLD_S, MAX_ON_S = 0.4, 1.0


@dataclass(frozen=True, slots=True)
class Variant:
    """How the gate is wired."""

    fail_safe: bool
    interlock: bool

    def __str__(self) -> str:
        return ("fail-safe" if self.fail_safe else "fail-secure") + "+lock" * self.interlock


VARIANTS = tuple(Variant(safe, lock) for safe in (False, True) for lock in (False, True))


def settings(folder: Path, variant: Variant, relay: dict[str, Any]) -> dict[str, Any]:
    """The gate's settings; ``relay`` has others of the relay's, and ``fps`` for a reload."""
    relay = dict(relay)
    fps = relay.pop("fps", FPS)
    values: dict[str, Any] = {
        "camera": {
            "source": "rtsp://camera/stream",
            "fps": fps,
            "stale_after_s": 2.0,
            "retry_first_s": 0.2,
            "retry_max_s": 0.5,
        },
        "face": {"lost_s": 0.5},
        "smile": {"frames": 2},
        "relay": {
            "pin_factory": "mock",
            "pin": GATE,
            "hold_s": HOLD_S,
            "max_on_s": MAX_ON_S,
            "power_loss": "fail_safe" if variant.fail_safe else "fail_secure",
        }
        | relay,
        "outputs": [
            {
                "name": "red",
                "pin": RED,
                "shows": ["idle", "face_present", "smiling", "pending", "fault", "emergency"],
            },
            {"name": "green", "pin": GREEN, "shows": ["granted"]},
        ],
        "interlocks": [["gate", "red"]] if variant.interlock else [],
        "inputs": {
            "emergency": {"pin": EMERGENCY, "debounce_s": 0},
            "request_to_exit": {"pin": EXIT, "debounce_s": 0},
            "key_switch": {"pin": KEY, "debounce_s": 0},
        },
        "rearm": {"rule": "cool_down", "after_s": 0.2},
        "store": {"path": str(folder / "audit.db")},
        "service": {"crash_starts": 100},
        "control": {"socket": str(folder / "run" / "control.sock")},
        "metrics": {"textfile": str(folder / "gate.prom")},
    }
    if fps != FPS:
        values["store"] = {"path": str(folder / "audit.db"), "keep_days": 30}
    return values
