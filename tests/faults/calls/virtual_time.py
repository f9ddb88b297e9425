"""Time that jumps to whatever a thread waits for next, and threads that run one at a time.

`install` it before anything of the gate is imported: it takes the place of the clocks, of
`time.sleep`, of conditions (and so of events and futures) and of the start and join of threads.
Until `VirtualTime.begin` all of them are as ever. From then on a thread runs until it waits; then
the next one does, and where none can, time jumps to the earliest end of a wait. So the order of all
calls is the same in every run, and seconds take milliseconds.
"""

from __future__ import annotations

import heapq
import threading
import time
from _thread import allocate_lock, get_ident
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

REAL = SimpleNamespace(
    monotonic=time.monotonic,
    perf_counter=time.perf_counter,
    time=time.time,
    sleep=time.sleep,
    condition=threading.Condition,
    start=threading.Thread.start,
    join=threading.Thread.join,
    is_alive=threading.Thread.is_alive,
)
FUTURE_S = 1e6
"""Virtual time is so much later than real time: no deadline comes in a process with real time."""
LONGEST_S = 300.0
"""A trial that goes on for longer never ends."""
OUTSIDE = ("control", "control client")
"""Threads that wait in the kernel, and run beside the others."""


class _Waiter:
    """One wait of one thread."""

    __slots__ = ("done", "inside", "lock", "woken")

    def __init__(self, inside: bool) -> None:
        self.lock = allocate_lock()
        self.lock.acquire()
        self.inside = inside
        self.done = self.woken = False


class VirtualTime:
    """The clock, and whose turn it is."""

    def __init__(self) -> None:
        self.active = False
        self.now = 0.0
        self.on_endless: Callable[[], None] = lambda: None
        """Called once a trial lasts for too long."""
        self.begun = 0.0
        self._wall = 0.0
        self._lock = allocate_lock()
        self._inside: set[int] = set()
        self._ready: deque[_Waiter] = deque()
        self._sleepers: list[tuple[float, int, _Waiter]] = []
        self._number = 0
        self._free = False
        self.threads: list[threading.Thread] = []
        """Those that were started since the beginning, and belong to it."""

    def begin(self) -> None:
        """Begin, with the calling thread as the one that runs."""
        self.now = self.begun = REAL.monotonic() + FUTURE_S
        self._wall = REAL.time() - self.now
        self._inside = {get_ident()}
        self.active = True

    def monotonic(self) -> float:
        """Stands for `time.monotonic` and `time.perf_counter`."""
        return self.now if self.active else REAL.monotonic()

    def time(self) -> float:
        """Stands for `time.time`."""
        return self.now + self._wall if self.active else REAL.time()

    def sleep(self, seconds: float) -> None:
        """Stands for `time.sleep`."""
        if self.active:
            self.block(self.wait_for(seconds))
        else:
            REAL.sleep(seconds)

    def wait_for(self, seconds: float | None) -> _Waiter:
        """Begin a wait."""
        waiter = _Waiter(get_ident() in self._inside)
        if seconds is not None:
            with self._lock:
                self._number += 1
                at = self.now + max(seconds, 0.0)
                heapq.heappush(self._sleepers, (at, self._number, waiter))
        return waiter

    def block(self, waiter: _Waiter) -> bool:
        """Let the others run until the wait is over; whether somebody woke it."""
        if waiter.inside:
            with self._lock:
                self._pass_on()
        waiter.lock.acquire()
        return waiter.woken

    def wake(self, waiter: _Waiter) -> bool:
        """End a wait; False if it was over."""
        with self._lock:
            if waiter.done:
                return False
            waiter.done = waiter.woken = True
            self._let_run(waiter)
            if self._free and self._ready:
                self._pass_on()
        return True

    def enter(self, waiter: _Waiter) -> None:
        """Wait, as a new thread, for the first turn."""
        waiter.lock.acquire()
        self._inside.add(get_ident())

    def ready(self) -> _Waiter:
        """A place for a new thread among those that can run."""
        waiter = _Waiter(inside=True)
        with self._lock:
            self._let_run(waiter)
        return waiter

    def leave(self) -> None:
        """End the calling thread's part."""
        self._inside.discard(get_ident())
        with self._lock:
            self._pass_on()

    def is_inside(self) -> bool:
        """Whether the calling thread is one of those that take turns."""
        return self.active and get_ident() in self._inside

    def _let_run(self, waiter: _Waiter) -> None:
        if waiter.inside:
            self._ready.append(waiter)
        else:
            waiter.lock.release()

    def _pass_on(self) -> None:
        while not self._ready and self._sleepers:
            at, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done:
                waiter.done = True
                self.now = max(self.now, at)
                self._let_run(waiter)
        self._free = not self._ready
        if self.now - self.begun > LONGEST_S:
            self.on_endless()
        if self._ready:
            self._ready.popleft().lock.release()


TIME = VirtualTime()


class Condition(threading.Condition):
    """A condition whose waits take virtual time."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait to be notified, as ever."""
        if not TIME.active:
            return bool(super().wait(timeout))
        this: Any = self
        if not this._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = TIME.wait_for(timeout)
        this._waiters.append(waiter)
        saved = this._release_save()
        try:
            return TIME.block(waiter)
        finally:
            this._acquire_restore(saved)
            if not waiter.woken and waiter in this._waiters:
                this._waiters.remove(waiter)

    def notify(self, n: int = 1) -> None:
        """Wake up to so many that wait."""
        if not TIME.active:
            super().notify(n)
            return
        this: Any = self
        if not this._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        while this._waiters and n > 0:
            n -= TIME.wake(this._waiters.popleft())


class RealEvent(threading.Event):
    """An event in real time: how a thread's start is told."""

    def __init__(self) -> None:
        super().__init__()
        self._cond = REAL.condition(threading.Lock())


def start(thread: Any) -> None:
    """Start a thread; one that belongs inside takes its turns with the others."""
    if not TIME.is_inside() or thread.name in OUTSIDE:
        if TIME.active:
            thread._started = RealEvent()
        REAL.start(thread)
        return
    thread._started = RealEvent()
    thread.over = Condition()
    thread.is_over = False
    waiter, run = TIME.ready(), thread.run

    def take_turns() -> None:
        TIME.enter(waiter)
        try:
            run()
        finally:
            with thread.over:
                thread.is_over = True
                thread.over.notify_all()
            TIME.leave()

    thread.run = take_turns
    TIME.threads.append(thread)
    REAL.start(thread)


def _join(thread: Any, timeout: float | None = None) -> None:
    if TIME.is_inside() and hasattr(thread, "over"):
        with thread.over:
            if not thread.over.wait_for(lambda: thread.is_over, timeout):
                return
        timeout = None
    REAL.join(thread, timeout)


def _is_alive(thread: Any) -> bool:
    return not getattr(thread, "is_over", False) and bool(REAL.is_alive(thread))


def install() -> None:
    """Take the place of the real ones, before anything that keeps them is imported."""
    replacements: dict[Any, dict[str, object]] = {
        time: {
            "monotonic": TIME.monotonic,
            "perf_counter": TIME.monotonic,
            "time": TIME.time,
            "sleep": TIME.sleep,
        },
        threading: {"Condition": Condition, "_time": TIME.monotonic},
        threading.Thread: {"start": start, "join": _join, "is_alive": _is_alive},
    }
    for owner, values in replacements.items():
        for name, value in values.items():
            setattr(owner, name, value)
