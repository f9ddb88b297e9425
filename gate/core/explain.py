"""Why the gate does not open now, in one plain sentence, with what to do where there is something.

The daemon says it, so that command line, page and fleet say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gate.core.domain import Observation, Reason, State
from gate.core.rules import RearmRule, Rules, why_not
from gate.core.transitions import VISITING, Lane


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to: why does it not open?"""

    code: str
    """The `Reason` or, where none stands in the way, the `State`."""
    text: str
    """A sentence without capital and full stop; nobody is named in it."""
    remedy: str | None = None
    score: float | None = None
    """Smile probability of the newest frame, 0–1, where the smile is what is missing."""
    needs: float | None = None
    """Smile probability that it needs."""


Sentence = tuple[str, str | None]
"""What is so, and what to do about it."""

REASONS: dict[Reason, Sentence] = {
    Reason.SMILE_HELD: ("the guest smiled", None),
    Reason.OPERATOR: ("an operator closed the lane", "smile-gate reopen"),
    Reason.REQUEST_TO_EXIT: ("somebody asked to get out", None),
    Reason.EMERGENCY_INPUT: (
        "emergency: its contact still asks for it",
        "put the contact to rest, then smile-gate clear-fault or the key switch",
    ),
    Reason.SCHEDULE: ("closed by the opening hours", None),
    Reason.KEY_SWITCH: ("closed by the key switch", "turn the key switch on"),
    Reason.NO_FACE: ("nobody is there", None),
    Reason.MORE_THAN_ONE_FACE: (
        "more than one face",
        "one guest at a time; face.region may be narrower",
    ),
    Reason.FACE_TOO_SMALL: ("the face is too small", "come closer, or see face.min_height"),
    Reason.FACE_TOO_LARGE: ("the face is too large", "step back"),
    Reason.FACE_CUT_OFF: ("the face is not wholly in the picture", "step into the middle"),
    Reason.NOT_FACING: ("the guest looks away", "look at the camera"),
    Reason.TOO_DARK: ("it is too dark", "a lamp at the face; not a setting"),
    Reason.TOO_BRIGHT: ("it is too bright", "a shade for the camera; not a setting"),
    Reason.UNEVEN_LIGHT: (
        "the light flickers, or half of the picture is in shadow",
        "set camera.flicker_hz as the mains have it, or put up another lamp",
    ),
    Reason.PHOTO_SUSPECTED: ("no sign of life yet", "see liveness.mode"),
    Reason.NO_SMILE: ("no smile", None),
    Reason.EYES_CLOSED: ("eyes closed", None),
    Reason.NOT_HELD: ("the smile was not held", None),
    Reason.LANE_CLOSED: ("the lane is closed", None),
    Reason.STOPPED: ("the gate is stopping", None),
    Reason.EMERGENCY: (
        "emergency: it is latched, its contact is at rest",
        "when the danger is over: smile-gate clear-fault or the key switch",
    ),
    Reason.FAULT_CAMERA: (
        "the camera gives no picture that can be used",
        "check cable and camera.source; the gate tries again by itself",
    ),
    Reason.FAULT_MODEL: (
        "pictures cannot be judged",
        "see journalctl -u smile-gate; then smile-gate check",
    ),
    Reason.FAULT_STORE: (
        "the audit log cannot be written",
        "check the card and its free space; the gate tries again by itself",
    ),
    Reason.FAULT_RELAY: (
        "the relay's line cannot be driven",
        "check the relay's wiring; the gate tries again by itself",
    ),
    Reason.FAULT_GUARD: (
        "the process that would end an overrun is not there",
        "see journalctl -u smile-gate; the gate starts its guard again by itself",
    ),
    Reason.FAULT_INPUTS: (
        "an input cannot be watched",
        "check the wiring of the input; the gate tries again by itself",
    ),
    Reason.FAULT_SETTINGS: (
        "the settings' file has mistakes, and the gate runs with those before",
        "mend the file, see smile-gate check; then smile-gate reload",
    ),
    Reason.FAULT_CRASH_LOOP: (
        "the gate crashed several times",
        "see journalctl -u smile-gate; when mended: smile-gate clear-fault",
    ),
}
"""A sentence for each reason."""

STATES: dict[State, Sentence] = {
    State.CLOSED: ("the lane is closed: the gate has just started, or is stopping", None),
    State.IDLE: ("it waits for a guest", None),
    State.FACE_PRESENT: ("it looks at the guest", None),
    State.SMILING: ("the guest smiles", None),
    State.PENDING: ("a grant waits for its record in the log", None),
    State.GRANTED: ("the gate is open", None),
    State.REARMING: ("it pauses between two guests", None),
    State.FAULT: ("a part does not work", "see journalctl -u smile-gate"),
    State.EMERGENCY: REASONS[Reason.EMERGENCY],
}
"""A sentence for each state, where no reason says more."""

_PAUSES = {
    RearmRule.FACE_GONE: "it waits for the last guest to leave the picture",
    RearmRule.PASSAGE: "it waits for the last guest to pass, or to leave the picture",
    RearmRule.COOL_DOWN: STATES[State.REARMING][0],
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the lane."""

    newest: Observation | None = None
    """What the newest judged frame showed."""
    closed_by: tuple[Reason, ...] = ()
    """Everything that keeps the lane closed, see `LaneClosures`."""
    next_change: tuple[datetime, bool] | None = None
    """Time of the next change of the opening hours, and whether they open the lane then."""
    details: Mapping[Reason, str] = field(default_factory=dict)
    """What is wrong with each part at fault."""
    emergency_held: bool = False
    """Whether the emergency contact is active now."""
    lasted_s: float = 0.0
    """Seconds for which the lane has been in its state."""


def explain(rules: Rules, lane: Lane, around: Circumstances) -> Why:
    """Say why the gate does not open, or that it is open."""
    match lane.state:
        case State.EMERGENCY:
            held = around.emergency_held
            return _of(Reason.EMERGENCY_INPUT if held else Reason.EMERGENCY)
        case State.FAULT if lane.faults:
            return _fault(lane.faults[0][0], around)
        case State.CLOSED if around.closed_by:
            return _closed(around)
        case State.REARMING:
            return _pausing(rules, around)
        case State.IDLE | State.FACE_PRESENT | State.SMILING if around.newest is not None:
            return _looking(rules, lane, around.newest)
    return Why(lane.state, *STATES[lane.state])


def _of(reason: Reason, more: str = "", **numbers: float) -> Why:
    text, remedy = REASONS[reason]
    return Why(reason, text + more, remedy, **numbers)


def _fault(part: Reason, around: Circumstances) -> Why:
    detail = around.details.get(part)
    return _of(part, f": {detail}" if detail else "")


def _pausing(rules: Rules, around: Circumstances) -> Why:
    """What the pause waits for; where it is a face for long, that nobody is let in for it."""
    text = _PAUSES[rules.rearm]
    lasted_s = around.lasted_s - rules.rearm_s
    if rules.rearm is RearmRule.COOL_DOWN or lasted_s < LONG_PAUSE_S:
        return Why(State.REARMING, text)
    return Why(
        State.REARMING,
        f"{text}, whose face has been in it for {lasted_s:.0f} s: nobody else is let in",
        "ask them to step aside; a poster or a screen: take it away, or narrow face.region",
    )


LONG_PAUSE_S = 15.0
"""A guest who was let in is out of the picture sooner, or something else is in it."""


def _closed(around: Circumstances) -> Why:
    """The hours last: a person who closed the lane, or holds its key, has to act first."""
    first, *others = sorted(around.closed_by, key=lambda reason: reason is Reason.SCHEDULE)
    more = ""
    if Reason.SCHEDULE in around.closed_by:
        change = around.next_change
        until = f" until {change[0]:%a %d.%m. %H:%M}" if change and change[1] else ""
        more = until if first is Reason.SCHEDULE else f"; the hours keep it closed too{until}"
    elif others:
        more = "; the key switch is off too"
    return _of(first, more)


def _looking(rules: Rules, lane: Lane, newest: Observation) -> Why:
    """What the newest frame lacks; with nothing lacking, how far the smile is."""
    reason = why_not(rules, newest)
    if reason is Reason.NO_FACE and newest.obstacle is not None:
        return _of(newest.obstacle)
    guest = newest.guest
    if reason is Reason.NO_SMILE and guest is not None and guest.smile is not None:
        more = f": smile {guest.smile:.2f} needs {rules.threshold:.2f}"
        return _of(reason, more, score=guest.smile, needs=rules.threshold)
    if reason is Reason.EYES_CLOSED and guest is not None and guest.eyes_open is not None:
        return _of(reason, f": {guest.eyes_open} of {rules.eyes} open")
    if reason is not None:
        return _of(reason)
    text, _ = STATES[lane.state]
    far = f": {lane.count} of {rules.frames} pictures" if lane.state in VISITING else ""
    return Why(lane.state, text + far)
