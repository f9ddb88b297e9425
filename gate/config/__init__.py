"""The settings of a gate: their names, types, limits and defaults, as frozen values."""

from __future__ import annotations

import hashlib
import json

from gate.config.base import Applied, Section, setting
from gate.config.hardware import (
    HeartbeatSettings,
    InputSettings,
    InputsSettings,
    OnEmergency,
    OutputSettings,
    PinFactory,
    PowerLoss,
    Pull,
    RelayMode,
    RelaySettings,
    Wiring,
)
from gate.config.service import (
    ControlSettings,
    Day,
    GateSettings,
    HoursSettings,
    LaneSettings,
    MetricsSettings,
    RearmSettings,
    ServiceSettings,
    StoreSettings,
    Unwritable,
)
from gate.config.vision import (
    CameraSettings,
    EyesOpen,
    EyesSettings,
    FaceSettings,
    LightSettings,
    LivenessSettings,
    SmileSettings,
)
from gate.core.rules import Rules

__all__ = [
    "Applied",
    "CameraSettings",
    "Config",
    "ControlSettings",
    "Day",
    "EyesOpen",
    "EyesSettings",
    "FaceSettings",
    "GateSettings",
    "HeartbeatSettings",
    "HoursSettings",
    "InputSettings",
    "InputsSettings",
    "LaneSettings",
    "LightSettings",
    "LivenessSettings",
    "MetricsSettings",
    "OnEmergency",
    "OutputSettings",
    "PinFactory",
    "PowerLoss",
    "Pull",
    "RearmSettings",
    "RelayMode",
    "RelaySettings",
    "ServiceSettings",
    "SmileSettings",
    "StoreSettings",
    "Unwritable",
    "Wiring",
]


class Config(Section):
    """All settings of one gate."""

    gate: GateSettings = GateSettings()
    camera: CameraSettings = CameraSettings()
    face: FaceSettings = FaceSettings()
    light: LightSettings = LightSettings()
    smile: SmileSettings = SmileSettings()
    eyes: EyesSettings = EyesSettings()
    liveness: LivenessSettings = LivenessSettings()
    relay: RelaySettings = RelaySettings()
    outputs: tuple[OutputSettings, ...] = setting(
        (),
        "lamps and buzzers, by states and events (smile-gate states)",
        applied=Applied.RESTART,
        example="[{name: smile_lamp, pin: 22, shows: [idle, face_present, smiling]},\n"
        " {name: denied_buzzer, pin: 23, flashes: [visit_left], flash_s: 0.5}]",
    )
    interlocks: tuple[tuple[str, str], ...] = setting(
        (),
        "pairs that are never on together",
        applied=Applied.RESTART,
        example="[[gate, denied_buzzer]]",
    )
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    inputs: InputsSettings = InputsSettings()
    rearm: RearmSettings = RearmSettings()
    lane: LaneSettings = LaneSettings()
    store: StoreSettings = StoreSettings()
    service: ServiceSettings = ServiceSettings()
    metrics: MetricsSettings = MetricsSettings()
    control: ControlSettings = ControlSettings()

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
            grant_within_s=self.store.grant_within_s,
        )

    def digest(self) -> str:
        """SHA-256 of the effective settings, in hexadecimal: the same settings, the same digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
