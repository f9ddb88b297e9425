"""The settings of a gate: their names, types, limits and defaults, as frozen values."""

from __future__ import annotations

import hashlib
import json

from gate.config.base import Section
from gate.config.hardware import (
    Heartbeat,
    Input,
    Inputs,
    OnEmergency,
    Output,
    PinFactory,
    PowerLoss,
    Pull,
    Relay,
    RelayMode,
    Wiring,
)
from gate.config.service import (
    Control,
    Day,
    Gate,
    Hours,
    LaneHours,
    Log,
    Metrics,
    Rearm,
    Service,
    Unwritable,
)
from gate.config.vision import (
    Camera,
    Eyes,
    EyesMethod,
    EyesOpen,
    Face,
    Light,
    Liveness,
    LivenessMode,
    Smile,
)
from gate.core.rules import Rules

__all__ = [
    "Camera",
    "Config",
    "Control",
    "Day",
    "Eyes",
    "EyesMethod",
    "EyesOpen",
    "Face",
    "Gate",
    "Heartbeat",
    "Hours",
    "Input",
    "Inputs",
    "LaneHours",
    "Light",
    "Liveness",
    "LivenessMode",
    "Log",
    "Metrics",
    "OnEmergency",
    "Output",
    "PinFactory",
    "PowerLoss",
    "Pull",
    "Rearm",
    "Relay",
    "RelayMode",
    "Service",
    "Smile",
    "Unwritable",
    "Wiring",
]


class Config(Section):
    """All settings of one gate."""

    gate: Gate = Gate()
    camera: Camera = Camera()
    face: Face = Face()
    light: Light = Light()
    smile: Smile = Smile()
    eyes: Eyes = Eyes()
    liveness: Liveness = Liveness()
    relay: Relay = Relay()
    outputs: tuple[Output, ...] = ()
    interlocks: tuple[tuple[str, str], ...] = ()
    heartbeat: Heartbeat = Heartbeat()
    inputs: Inputs = Inputs()
    rearm: Rearm = Rearm()
    lane: LaneHours = LaneHours()
    store: Log = Log()
    service: Service = Service()
    metrics: Metrics = Metrics()
    control: Control = Control()

    def rules(self, card_threshold: float) -> Rules:
        """The rules of a grant; ``card_threshold`` (0–1) holds where the file names none."""
        asked = {EyesOpen.BOTH: 2, EyesOpen.ONE: 1}[self.eyes.open] if self.eyes.required else 0
        return Rules(
            threshold=self.smile.threshold or card_threshold,
            frames=self.smile.frames,
            missed_frames=self.smile.missed_frames,
            eyes=asked,
            lost_s=self.face.lost_s,
            hold_s=self.relay.hold_s,
            rearm=self.rearm.rule,
            rearm_s=self.rearm.after_s,
            passage_sensor=self.inputs.passage is not None,
            door_held_s=self.inputs.door_held_s,
        )

    def digest(self) -> str:
        """SHA-256 of the effective settings, in hexadecimal: the same settings, the same digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
