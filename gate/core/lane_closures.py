"""The wishes that open and close the lane: opening hours, key switch and operator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from gate.core.domain import Reason, Signal, Trigger


@dataclass(frozen=True, slots=True)
class OperatorClose:
    """An operator's close, which holds until an operator takes it back."""

    who: str
    why: str | None = None


class LaneClosures:
    """Combines the three wishes. Every method may be called from any thread.

    The lane is to be open while nobody wants it closed. A signal is posted only when that changes,
    and it may be out of date when the loop comes to it: the loop asks `still` before it takes one.
    """

    def __init__(
        self, post: Callable[[Signal], None], closing: OperatorClose | None = None
    ) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._hours: bool | None = None
        self._key = True
        self.closing = closing
        """The operator's close that holds."""
        self._operator_spoke = False

    @property
    def closed_by(self) -> tuple[Reason, ...]:
        """Everything that keeps the lane closed now."""
        says = (
            (Reason.OPERATOR, self.closing is None),
            (Reason.KEY_SWITCH, self._key),
            (Reason.SCHEDULE, self._hours is not False),
        )
        return tuple(reason for reason, is_open in says if not is_open)

    def by_hours(self, is_open: bool) -> None:
        """Note whether the opening hours want the lane open."""
        with self._lock:
            self._hours = is_open
            self._tell(is_open, Reason.SCHEDULE)

    def by_key(self, on: bool, *, tell: bool = True) -> None:
        """Note that the key switch was turned; ``tell`` is false for its position at the start."""
        with self._lock:
            self._key = on
            if tell and self._hours is not None:
                self._tell(on, Reason.KEY_SWITCH, "key switch")

    def by_operator(self, closing: OperatorClose | None) -> None:
        """Note an operator's close, or (None) that it was taken back; the loop moves the lane."""
        with self._lock:
            self.closing, self._operator_spoke = closing, True

    def resume(self, closing: OperatorClose) -> bool:
        """Take up a close of an earlier run, unless an operator has spoken since; whether it is."""
        with self._lock:
            news = self.closing is None and not self._operator_spoke
            if news:
                self.closing = closing
            return news

    def still(self, signal: Signal) -> bool:
        """Whether the opening or closing that a signal asks for is still wanted."""
        match signal.trigger:
            case Trigger.OPENED:
                return not self.closed_by
            case Trigger.CLOSED:
                return bool(self.closed_by)
            case _:
                return True

    def _tell(self, is_open: bool, reason: Reason, who: str | None = None) -> None:
        if not is_open:
            self._post(Signal(Trigger.CLOSED, reason, who=who))
        elif not self.closed_by:
            self._post(Signal(Trigger.OPENED, reason, who=who))
