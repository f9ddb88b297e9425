"""What the loop waits for: the newest frame, a signal or a question, whichever comes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from gate.core.domain import Frame, Signal
from gate.core.recorder import Outcome
from gate.errors import NoAnswer

Letter: TypeAlias = "Signal | Call | Outcome"
"""A signal, work for the loop, or what came of what was to be recorded."""
_Answer = TypeVar("_Answer")


class Call:
    """Work that another thread wants the loop to do. Run it once; the caller gets what it gives."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self.answer: Future[Any] = Future()

    def run(self) -> None:
        """Do the work, unless the caller has given up: nothing happens behind his back."""
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            self.answer.set_result(self._work())
        except Exception as error:  # it is the caller's
            self.answer.set_exception(error)


class Inbox:
    """Where the other threads leave things for the loop; the loop alone takes them out."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._letters: deque[Letter] = deque()
        self._frame: Frame | None = None
        self._closed = False
        self.dropped = 0
        """Frames of a live camera that were replaced by a newer one before the loop took them."""

    def post(self, letter: Letter) -> None:
        """Leave a letter; they are handed over in order, none is lost."""
        with self._changed:
            self._letters.append(letter)
            self._changed.notify_all()

    def ask(self, work: Callable[[], _Answer], timeout_s: float) -> _Answer:
        """Have the loop do some work, and wait for what it gives or raises.

        Raises `NoAnswer` if the loop has not begun with it in ``timeout_s`` seconds; then it is
        never done.
        """
        call = Call(work)
        with self._changed:
            if self._closed:
                raise NoAnswer("the gate is stopping")
            self.post(call)
        try:
            answer: _Answer = call.answer.result(timeout_s)
        except TimeoutError:
            if call.answer.cancel():
                raise NoAnswer(
                    f"the gate does not answer: its loop has been busy for {timeout_s:g} s;"
                    " the watchdog will restart it, see: journalctl -u smile-gate"
                ) from None
            answer = call.answer.result()  # it has begun: its outcome is the only honest answer
        return answer

    def offer(
        self, frame: Frame, *, replace: bool, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Leave a frame: in place of an older one, or once the older one has been taken.

        Nothing is left once it is not ``wanted`` any more; `wake` has that looked at.
        """
        with self._changed:
            while self._frame is not None and not replace and wanted() and not self._closed:
                self._changed.wait()
            if not wanted():
                return
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify_all()

    def poll(self, timeout_s: float) -> tuple[list[Letter], Frame | None]:
        """All letters and the newest frame; waits up to ``timeout_s`` seconds for any."""
        with self._changed:
            if not self._letters and self._frame is None:
                self._changed.wait(max(timeout_s, 0.0))
            letters, frame = list(self._letters), self._frame
            self._letters.clear()
            self._frame = None
            self._changed.notify_all()
        return letters, frame

    def discard(self) -> None:
        """Throw the frame away: it came from a camera that is not the gate's any more."""
        with self._changed:
            self._frame = None
            self._changed.notify_all()

    def wake(self) -> None:
        """Have whoever waits look again whether he still needs to."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Let a waiting camera go on, and refuse what is still asked; may be called twice."""
        with self._changed:
            self._closed = True
            letters = list(self._letters)
            self._letters.clear()
            self._changed.notify_all()
        for letter in letters:
            if isinstance(letter, Call) and letter.answer.set_running_or_notify_cancel():
                letter.answer.set_exception(NoAnswer("the gate is stopping"))
