"""Signals of the input lines; the emergency input also moves the relay itself."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gate.core.domain import Reason, Signal, Trigger
from gate.core.lane_closures import LaneClosures
from gate.errors import RelayError
from gate.hardware.input_lines import InputLine, InputLines, Reading
from gate.hardware.relay import Relay

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""How often an emergency is told while its contact asks for it, whatever else was said since."""
PER_TURN = 2
"""A press and its release are told at once; more in one turn of the loop is chatter."""


@dataclass(slots=True)
class Pace:
    """How often a contact may speak: so many ``times`` in ``within_s`` seconds."""

    times: int = 10
    within_s: float = 10.0
    _spoken: deque[float] = field(default_factory=deque)

    def takes(self, now: float) -> bool:
        """Whether it may speak now; then it has spoken."""
        while self._spoken and now - self._spoken[0] >= self.within_s:
            self._spoken.popleft()
        if len(self._spoken) >= self.times:
            return False
        self._spoken.append(now)
        return True


@dataclass(slots=True)
class _Contact:
    """What a contact did since it was passed on last: repeats are counted, not queued."""

    press: Callable[[str | None], None] | None = None
    """Passes a press on, with what there is to say of repeats."""
    change: Callable[[bool], None] | None = None
    """Passes a level on, where the release means something too."""
    pace: Pace = field(default_factory=Pace)
    active: bool = False
    told: bool = False
    presses: int = 0
    pressed_at: float = 0.0
    """When the first of them was."""
    spoken: int = 0
    """How often it was passed on since the loop's last turn."""

    def hear(self, active: bool, now: float) -> None:
        """Note a change."""
        self.active = active
        if active:
            self.pressed_at = now if not self.presses else self.pressed_at
            self.presses += 1

    def speak(self, now: float) -> None:
        """Pass on what has come together, as often as a turn and its pace allow."""
        has_news = self.presses or (self.change is not None and self.active is not self.told)
        if not has_news or self.spoken >= PER_TURN or not self.pace.takes(now):
            return
        self.spoken += 1
        presses, self.presses = self.presses, 0
        if self.press is not None:
            more = f"{presses - 1} more in {now - self.pressed_at:.1f} s" if presses > 1 else None
            self.press(more)
        if self.change is not None:
            if not self.told:  # also where it is at rest again by now
                self.change(True)
            if not self.active:
                self.change(False)
            self.told = self.active


class InputSignals:
    """Connects the inputs to the lane. Its handlers are called from gpiozero's threads.

    The emergency input tells the lane and moves the relay at once, from its own thread. It latches:
    the lane leaves the emergency when the contact is at rest again and the key switch has been
    turned off and on, or the operator cleared it, unless ``latches`` is false. ``keep`` writes it
    down for the next start. The key switch has a say in the lane's `LaneClosures`.

    A contact that chatters is passed on twice a turn of the loop at most, and with a `Pace`; what
    came meanwhile is counted. So no contact delays another one's press.
    """

    def __init__(
        self,
        inputs: InputLines,
        post: Callable[[Signal], None],
        closures: LaneClosures,
        *,
        latches: bool,
        keep: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inputs = inputs
        self._post = post
        self._closures = closures
        self.latches = latches
        self._keep = keep
        self._clock = clock
        self._key_is_known = False
        """Whether the key's position was seen: then another one is a turn."""
        self._lock = threading.Lock()
        self._relay: Relay | None = None
        self._has_emergency = False
        self._raised = False
        """Whether an emergency was posted since the loop's last turn, and not its end."""
        self._raised_at = 0.0
        self._contacts = {
            "emergency": _Contact(change=self._lower, pace=Pace(4, 4.0)),
            "request_to_exit": _Contact(
                press=self._post_press(
                    Signal(Trigger.REQUEST_TO_EXIT, Reason.REQUEST_TO_EXIT, who="request to exit")
                ),
                pace=Pace(3, 3.0),
            ),
            "key_switch": _Contact(change=self._turn_key),
            "door": _Contact(change=self._move_door),
            "passage": _Contact(press=self._post_press(Signal(Trigger.PASSED))),
            "tamper": _Contact(press=self._post_press(Signal(Trigger.TAMPER))),
            "assist": _Contact(press=self._post_press(Signal(Trigger.ASSIST))),
        }
        """In the order in which they are passed on."""
        self._problem: str | None = None

    def emergency_held(self) -> bool:
        """Whether the emergency contact asks for it now, by its level."""
        if not self._has_emergency:
            return False
        return self._inputs.reading("emergency") is not Reading.AT_REST

    def connect(self, relay: Relay, lines: dict[str, InputLine]) -> None:
        """Watch the lines, by the names of their settings.

        One that cannot be claimed is at fault, and keeps none of the others from being watched.
        """
        self._relay = relay
        if "key_switch" in lines:
            self._closures.by_key(False, tell=False)  # until the contact says otherwise
        for name, line in lines.items():
            try:
                self._inputs.connect(name, line, self._handler(name))
            except RelayError as error:
                log.error("%s; it is tried again", error)
            self._has_emergency |= name == "emergency"
        self._key_is_known = "key_switch" in lines and self._inputs.is_claimed("key_switch")

    def poll(self, now: float) -> None:
        """Look at every level, and pass on what has come together; for each turn of the loop."""
        self._inputs.poll(now)
        with self._lock:
            self._raised = False
            for contact in self._contacts.values():
                contact.spoken = 0
                contact.speak(now)
        if now - self._raised_at >= AGAIN_S and self.emergency_held():
            self._raise_emergency()
        problem = self._inputs.problem
        if (problem is None) is not (self._problem is None):
            trigger = Trigger.RECOVERED if problem is None else Trigger.FAULT
            self._post(Signal(trigger, Reason.FAULT_INPUTS, detail=problem))
        self._problem = problem

    def _handler(self, name: str) -> Callable[[Reading], None]:
        contact = self._contacts[name]

        def hear(reading: Reading) -> None:
            active = reading is not Reading.AT_REST
            if name == "emergency" and active:
                self._raise_emergency()
            with self._lock:
                now = self._clock()
                contact.hear(active, now)
                contact.speak(now)

        return hear

    def _raise_emergency(self) -> None:
        """Tell the lane first, so that a relay that hangs keeps nobody from knowing; then move."""
        with self._lock:
            if not self._raised:
                self._raised, self._raised_at = True, self._clock()
                self._post(Signal(Trigger.EMERGENCY, Reason.EMERGENCY_INPUT))
        if self._relay is not None:
            try:
                self._relay.trip()
            except Exception as error:  # whatever it is, the contact's thread must go on
                log.critical("in an emergency: %s", error)
        self._keep()

    def _lower(self, active: bool) -> None:
        """The emergency contact's release; that it is active was told at once."""
        if not active and not self.latches:
            self._clear_emergency(Signal(Trigger.EMERGENCY_CLEARED))

    def _turn_key(self, on: bool) -> None:
        # A key that was on before it could be seen was not turned: it ends no emergency.
        if on and self._key_is_known and not self.emergency_held():
            self._clear_emergency(Signal(Trigger.EMERGENCY_CLEARED, who="key switch"))
        self._key_is_known = True
        self._closures.by_key(on)

    def _clear_emergency(self, signal: Signal) -> None:
        self._raised = False
        self._post(signal)

    def _move_door(self, opened: bool) -> None:
        self._post(Signal(Trigger.DOOR_OPENED if opened else Trigger.DOOR_SHUT))

    def _post_press(self, signal: Signal) -> Callable[[str | None], None]:
        return lambda more: self._post(replace(signal, detail=more))
