"""The values that the parts of the gate hand to each other; all of them are frozen.

Times called ``monotonic`` or ``now`` are seconds of one monotonic clock (``time.monotonic`` in the
daemon, the clip's own time in a replay); ``wall`` is UTC and only for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    """A picture: (height, width) gray or (height, width, 3) BGR, 8 bits a channel."""


class State(StrEnum):
    """States of the lane; the table in `gate.core.transitions` says how it moves."""

    CLOSED = "closed"
    IDLE = "idle"
    FACE_PRESENT = "face_present"
    SMILING = "smiling"
    PENDING = "pending"
    """A grant is decided, and the gate opens once its record is committed."""
    GRANTED = "granted"
    REARMING = "rearming"
    FAULT = "fault"
    EMERGENCY = "emergency"


class Trigger(StrEnum):
    """Things that can happen to the lane."""

    OPENED = "opened"
    CLOSED = "closed"
    NO_FACE = "no_face"
    FACE = "face"
    QUALIFYING = "qualifying"
    FACE_LOST = "face_lost"
    PASSED = "passed"
    HOLD_ELAPSED = "hold_elapsed"
    REARMED = "rearmed"
    OPERATOR_GRANT = "operator_grant"
    REQUEST_TO_EXIT = "request_to_exit"
    COMMITTED = "committed"
    """The pending grant is in the log."""
    COMMIT_MISSED = "commit_missed"
    """The log refused the pending grant, or was too slow."""
    LAPSED = "lapsed"
    """A grant came into the log after it had stopped being pending."""
    FAULT = "fault"
    RECOVERED = "recovered"
    EMERGENCY = "emergency"
    EMERGENCY_CLEARED = "emergency_cleared"
    DOOR_OPENED = "door_opened"
    DOOR_SHUT = "door_shut"
    HELD_OPEN = "held_open"
    TAMPER = "tamper"
    ASSIST = "assist"
    STOPPED = "stopped"


class EventKind(StrEnum):
    """Kinds of events in the audit log."""

    STARTED = "started"
    STOPPED = "stopped"
    UNCLEAN_END = "unclean_end"
    LANE_OPENED = "lane_opened"
    LANE_CLOSED = "lane_closed"
    CLOSE_LIFTED = "close_lifted"
    """An operator took their close back, but hours or key switch keep the lane closed."""
    FACE_SEEN = "face_seen"
    VISIT_LEFT = "visit_left"
    GRANTED = "granted"
    OPERATOR_GRANTED = "operator_granted"
    GRANT_LAPSED = "grant_lapsed"
    """The gate did not open by a grant that is in the log; the detail gives that event's number."""
    PASSED = "passed"
    NOT_USED = "not_used"
    HOLD_ENDED = "hold_ended"
    """The hold is over; without a passage sensor it is not known whether somebody passed."""
    FORCED = "forced"
    """Somebody passed, or the door opened, without a grant."""
    HELD_OPEN = "held_open"
    """The door was not shut in time after it had opened."""
    TAMPER = "tamper"
    """The housing was opened, or its wire was cut."""
    ASSIST_CALLED = "assist_called"
    """A guest who can't or does not want to smile asked for the operator."""
    FAULT = "fault"
    RECOVERED = "recovered"
    EMERGENCY = "emergency"
    EMERGENCY_CLEARED = "emergency_cleared"
    CONFIG_CHANGED = "config_changed"
    SCHEDULE_CHANGED = "schedule_changed"
    EXPORTED = "exported"
    PRUNED = "pruned"
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    VERIFIED = "verified"
    LOG_SET_ASIDE = "log_set_aside"
    LOG_BEGUN = "log_begun"
    """From here on the log has an identity of its own; a new log begins with it."""
    EVENTS_LOST = "events_lost"
    """Events that could not be kept until the log took them: only the journal has them."""
    LOG_ROLLED_BACK = "log_rolled_back"
    """The log lacks an event that was noted beside it: put back, cut off, or a lost WAL."""
    WORDS_ERASED = "words_erased"
    """The words of an event, who and detail, were erased."""
    SNAPSHOTS_PURGED = "snapshots_purged"


class Reason(StrEnum):
    """Codes of why the gate opened, or why it did not."""

    SMILE_HELD = "smile_held"
    OPERATOR = "operator"
    REQUEST_TO_EXIT = "request_to_exit"
    EMERGENCY_INPUT = "emergency_input"
    SCHEDULE = "schedule"
    KEY_SWITCH = "key_switch"
    NO_FACE = "no_face"
    MORE_THAN_ONE_FACE = "more_than_one_face"
    FACE_TOO_SMALL = "face_too_small"
    FACE_TOO_LARGE = "face_too_large"
    FACE_CUT_OFF = "face_cut_off"
    NOT_FACING = "not_facing"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    UNEVEN_LIGHT = "uneven_light"
    PHOTO_SUSPECTED = "photo_suspected"
    NO_SMILE = "no_smile"
    EYES_CLOSED = "eyes_closed"
    NOT_HELD = "smile_not_held"
    LANE_CLOSED = "lane_closed"
    STOPPED = "stopped"
    EMERGENCY = "emergency"
    FAULT_CAMERA = "fault_camera"
    FAULT_MODEL = "fault_model"
    FAULT_STORE = "fault_store"
    FAULT_RELAY = "fault_relay"
    FAULT_GUARD = "fault_guard"
    """The process that would end an overrun from outside is not there: no guest is let in."""
    FAULT_INPUTS = "fault_inputs"
    """A contact's changes are not told, or its line cannot be read."""
    FAULT_SETTINGS = "fault_settings"
    """The settings' file has mistakes: the gate runs with those that were in force before."""
    FAULT_CRASH_LOOP = "fault_crash_loop"
    """Several unclean starts within minutes: the lane stays shut until this one has proven good."""


class Position(StrEnum):
    """Positions of the relay."""

    SAFE = "safe"
    GRANTED = "granted"
    EMERGENCY = "emergency"


GATE = "gate"
"""Name of the output line that opens the gate."""
HEARTBEAT = "heartbeat"
"""Name of the output line that toggles while the loop works."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the camera: ``image`` is (height, width, 3) BGR or (height, width) gray."""

    image: Image
    sequence: int
    monotonic: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame; (x, y) is its top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame: its Haar box and, where they were judged, smile and eyes."""

    box: Box
    smile: float | None = None
    """Probability of a smile, 0–1."""
    eyes_open: int | None = None
    """Number of open eyes, 0–2."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Content of one frame; ``faces`` has the guest (the largest face) first.

    ``faces`` holds the faces that count: in the configured region and of a size like the guest's.
    """

    sequence: int
    monotonic: float
    faces: tuple[Face, ...] = ()
    guest_id: int | None = None
    """Number of the guest, the same from frame to frame; None where nobody is followed."""
    obstacle: Reason | None = None
    """Reason that keeps this frame from qualifying whatever its scores; the guest's hint."""
    alive: bool = True
    """Whether the configured liveness check is satisfied in this visit."""
    uneven: bool = False
    """Whether bands, flicker or a hard shadow spoil the picture: that is why, if it fails."""

    @property
    def guest(self) -> Face | None:
        """The largest face, or None where the frame shows nobody."""
        return self.faces[0] if self.faces else None


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that happened to the lane, with what is known about it."""

    trigger: Trigger
    reason: Reason | None = None
    score: float | None = None
    """Smile probability of the frame, for a signal that came from one."""
    frame: int | None = None
    """Sequence number of that frame."""
    guest: int | None = None
    """Number of the guest whose face it shows, see `Observation.guest_id`."""
    who: str | None = None
    """The operator, for a signal that came from a person."""
    detail: str | None = None
    visit: int | None = None
    """The visit that it is about, where that need not be the present one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event for the audit log, from machine or daemon; the store adds number, time, origin."""

    kind: EventKind
    monotonic: float
    before: State | None = None
    after: State | None = None
    reason: Reason | None = None
    visit: int | None = None
    score: float | None = None
    frames: int | None = None
    """Qualifying frames counted so far."""
    frame: int | None = None
    """Sequence number of the camera frame that brought it about."""
    who: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The circumstances of an event: the gate, its boot, software, model and settings."""

    gate: str = "gate"
    boot: str = ""
    version: str = ""
    model: str = ""
    """SHA-256 of the model file, in hex."""
    config: str = ""
    """SHA-256 of the configuration, in hex."""
    threshold: float | None = None
    """Smile probability that qualified, 0–1."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it stands in the log."""

    sequence: int
    boot: str
    wall: datetime
    event: Event
    clock_trusted: bool = False
    """Whether the wall clock was synchronised when it was read."""
    origin: Origin = Origin()
    waited: float | None = None
    """Seconds from the guest's first sight to the grant; only a grant has it."""
    digest: str = ""
    """The row's link of the hash chain, in hex."""
