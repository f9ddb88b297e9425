from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.core.domain import Frame
from gate.errors import CameraError, EndOfClip
from gate.hardware.camera_thread import CameraThread
from gate.service.inbox import Inbox
from tests.waiting import FOREVER_S, PATIENCE_S, until


class ListSource:
    """A camera that plays a list: pictures, and errors where it breaks."""

    count: int | None = None
    taken_s: float | None = None

    def __init__(self, plays: list[int | Exception], *, live: bool) -> None:
        self._plays: Iterator[int | Exception] = iter(plays)
        self.live = live
        self.fps = 1000.0
        self.closed = 0

    def read(self) -> NDArray[np.uint8]:
        play = next(self._plays, EndOfClip("over"))
        if isinstance(play, Exception):
            raise play
        return np.full((4, 4), play, np.uint8)

    def close(self) -> None:
        self.closed += 1


def never() -> ListSource:
    raise CameraError("no such camera")


def run(
    sources: list[ListSource | Exception], inbox: Inbox, wanted: int
) -> tuple[list[Frame], CameraThread]:
    """Feed from the sources one after the other until so many frames have come."""
    left = iter(sources)

    def opener() -> ListSource:
        source = next(left, EndOfClip("nothing left"))
        if isinstance(source, Exception):
            raise source
        return source

    camera = CameraThread(opener, inbox, first_retry_s=0.001, last_retry_s=0.01)
    camera.start()
    frames: list[Frame] = []

    def complete() -> bool:
        _, frame = inbox.poll(0.05)
        frames.extend([frame] if frame is not None else [])
        return len(frames) == wanted

    until(complete, f"{wanted} frames")
    return frames, camera


def test_a_clip_plays_every_frame_once_and_then_is_over() -> None:
    """Files lose no frame; sequence numbers and times rise."""
    source = ListSource(list(range(20)), live=False)
    frames, camera = run([source], Inbox(), 20)
    assert [int(frame.image[0, 0]) for frame in frames] == list(range(20))
    assert [frame.sequence for frame in frames] == list(range(20))
    times = [frame.monotonic for frame in frames]
    assert times == sorted(times)
    until(lambda: camera.over, "the end of the clip")
    camera.close()
    assert source.closed == 1


def test_a_clip_is_played_at_its_own_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film of varying rate keeps it; one of a single picture has its pause too."""
    pauses: list[float] = []

    class Film(ListSource):
        def read(self) -> NDArray[np.uint8]:
            image = super().read()
            self.taken_s = {1: 0.0, 2: 0.02, 3: 0.5}[int(image[0, 0])]
            return image

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.extend([] if timeout is None else [timeout])
            return False

    clock = SimpleNamespace(monotonic=lambda: 100 + sum(pauses))
    monkeypatch.setattr("gate.hardware.camera_thread.time", clock)
    threads = SimpleNamespace(**vars(threading) | {"Event": Pause})
    monkeypatch.setattr("gate.hardware.camera_thread.threading", threads)
    frames, camera = run([Film([1, 2, 3], live=False)], Inbox(), 3)
    assert pauses[:3] == pytest.approx([1 / 1000, 0.02, 0.48])
    assert [frame.monotonic for frame in frames] == pytest.approx([100.001, 100.021, 100.501])
    camera.close()


def test_a_lost_camera_is_opened_again() -> None:
    """A camera that breaks and can't be opened for a while comes back by itself."""
    first = ListSource([1, CameraError("unplugged")], live=False)
    second = ListSource([2], live=False)
    frames, camera = run([first, CameraError("not there"), second], Inbox(), 2)
    assert [int(frame.image[0, 0]) for frame in frames] == [1, 2]
    assert [frame.sequence for frame in frames] == [0, 1]
    assert first.closed == 1
    camera.close()


def test_what_is_wrong_with_the_camera_can_be_read() -> None:
    """While there is no picture, the camera says why."""
    camera = CameraThread(never, Inbox(), first_retry_s=FOREVER_S)
    camera.start()
    until(lambda: camera.problem == "no such camera", "what is wrong")
    camera.close()


def test_the_feed_closes_while_it_waits_to_retry() -> None:
    """A stop does not wait for the back-off."""
    camera = CameraThread(never, Inbox(), first_retry_s=FOREVER_S)
    camera.start()
    until(lambda: camera.problem is not None, "a camera that cannot be opened")
    camera.close()
    camera.close()
    until(lambda: not camera._reader.thread.is_alive(), "the end of the thread")


class HangingSource(ListSource):
    """A driver that does not return until it is let go."""

    def __init__(self, free: threading.Event) -> None:
        super().__init__([9] * 5, live=True)  # it comes back with pictures
        self._free = free
        self.hangs = threading.Event()
        """Whether it has been asked for a picture."""

    def read(self) -> NDArray[np.uint8]:
        self.hangs.set()
        self._free.wait(PATIENCE_S)
        return super().read()


LATER = 1e9
"""Long after any thread began whatever it does."""


def test_a_thread_that_hangs_in_its_driver_is_replaced() -> None:
    """Another thread opens the camera anew; the one left behind adds nothing when it comes back."""
    free = threading.Event()
    hanging = HangingSource(free)
    sources = iter([hanging, ListSource([7] * 5, live=True)])
    inbox = Inbox()
    camera = CameraThread(lambda: next(sources), inbox, first_retry_s=FOREVER_S, stuck_after_s=1)
    camera.start()
    assert hanging.hangs.wait(PATIENCE_S)
    hung = camera._reader
    since = hung.calling_since
    assert since is not None
    camera.supervise(since + 1)
    assert camera.stuck == 0
    camera.supervise(LATER)
    assert camera.stuck == 1
    until(lambda: camera.over, "the end of the second camera")
    free.set()
    until(lambda: camera.stuck == 0, "the return of the driver")
    assert not hung.thread.is_alive()
    assert camera.sequence == 5
    camera.close()


def test_the_feed_gives_up_openly_and_takes_heart_again() -> None:
    """With three threads left behind it says that it waits for a restart, until one returns."""
    free = threading.Event()
    opened: list[HangingSource] = []

    def opener() -> HangingSource:
        opened.append(HangingSource(free))
        return opened[-1]

    camera = CameraThread(opener, Inbox(), first_retry_s=FOREVER_S, stuck_after_s=1, loop=True)
    camera.start()
    for number, left in enumerate((1, 2, 3, 3), 1):
        until(lambda number=number: len(opened) == number, "another try")  # type: ignore[misc]
        assert opened[-1].hangs.wait(PATIENCE_S)
        camera.supervise(LATER)
        assert camera.stuck == left
    assert camera.retrying is False
    assert camera.problem is not None
    assert "3 threads hang" in camera.problem
    assert "waits for a restart" in camera.problem
    free.set()
    until(lambda: camera.stuck == 0, "the return of the drivers")
    camera.supervise(0.0)
    until(lambda: camera.retrying, "another try")
    camera.close()


def test_a_camera_that_its_hanging_thread_keeps_is_hung_until_it_gives_pictures() -> None:
    """Tries that fail beside a thread that hangs are no recovery: only a restart helps."""
    free = threading.Event()
    hanging = HangingSource(free)
    left: list[ListSource] = [hanging]
    tries = threading.Semaphore(0)

    def opener() -> ListSource:
        if left:
            return left.pop()
        tries.release()
        raise CameraError("busy")

    camera = CameraThread(
        opener, Inbox(), first_retry_s=0.001, last_retry_s=0.001, stuck_after_s=1, loop=True
    )
    camera.start()
    assert hanging.hangs.wait(PATIENCE_S)
    assert not camera.hung
    camera.supervise(LATER)
    until(lambda: camera.hung, "a camera that only a restart frees")
    assert camera.retrying
    until(lambda: "only a restart helps" in str(camera.problem), "what is wrong")
    left.append(ListSource([1] * 5, live=True))  # it can be opened after all
    until(lambda: not camera.hung, "pictures")
    free.set()
    camera.close()


@pytest.mark.parametrize("how", ["reload", "reopen"])
def test_a_camera_that_another_ones_thread_keeps_is_hung_too(how: str) -> None:
    """A reload, or a reopening, during a hang does not hide which thread has the device."""
    free = threading.Event()
    hanging = HangingSource(free)
    left: list[ListSource] = [hanging]

    def opener() -> ListSource:
        if left:
            return left.pop()
        raise CameraError("busy")

    before = CameraThread(opener, Inbox(), first_retry_s=0.001, last_retry_s=0.001)
    before.start()
    assert hanging.hangs.wait(PATIENCE_S)
    camera = before
    if how == "reload":
        camera = CameraThread(opener, Inbox(), first_retry_s=0.001, last_retry_s=0.001)
        camera.succeed(before)
        camera.start()
    else:
        camera.reopen()
    until(lambda: camera.hung, "a camera that only a restart frees")
    free.set()
    until(lambda: not camera.hung, "the return of the driver")
    camera.close()


def test_a_camera_that_is_not_there_is_not_hung() -> None:
    """Without a thread that hangs, trying again may help at any time."""
    camera = CameraThread(never, Inbox(), first_retry_s=0.001, last_retry_s=0.001)
    camera.start()
    until(lambda: camera._refused > 10, "tries")
    assert not camera.hung
    camera.close()


def test_a_frame_is_as_old_as_its_picture() -> None:
    """Age counts from the capture where the source tells it; a time to come is not believed."""
    source = ListSource([1, 2], live=True)
    taken = time.monotonic() - 0.7
    source.taken_s = taken
    frames, camera = run([source], Inbox(), 1)
    assert frames[0].monotonic == taken
    camera.close()
    source = ListSource([1, 2], live=True)
    source.taken_s = time.monotonic() + 1000
    frames, camera = run([source], Inbox(), 1)
    assert frames[0].monotonic <= time.monotonic()
    camera.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced() -> None:
    """Whatever ended it, even what no handler catches, the camera is opened again."""
    plays: list[ListSource | None] = [None, ListSource([1], live=True)]

    def opener() -> ListSource:
        source = plays.pop(0)
        if source is None:
            raise SystemExit  # ends a thread without a word
        return source

    camera = CameraThread(opener, Inbox(), first_retry_s=FOREVER_S)
    camera.start()
    until(lambda: not camera._reader.thread.is_alive(), "the end of the thread")
    camera.supervise(0.0)
    until(lambda: camera.over, "the end of the second camera")
    assert camera.sequence == 1
    camera.close()
