from __future__ import annotations

import threading

import numpy as np
import pytest

from gate.core.domain import Frame, Signal, Trigger
from gate.errors import ControlError, NoAnswer
from gate.service.inbox import Call, Inbox
from tests.waiting import FOREVER_S, PATIENCE_S


def frame(number: int) -> Frame:
    return Frame(np.zeros((2, 2), np.uint8), number, float(number))


def offering(inbox: Inbox, number: int) -> threading.Thread:
    """Offer a frame of a clip in another thread; returns when it waits or has left the frame."""
    looked = threading.Event()

    def wanted() -> bool:
        looked.set()  # inside of the inbox's lock, which only its wait gives away
        return True

    thread = threading.Thread(
        target=inbox.offer, args=(frame(number),), kwargs={"replace": False, "wanted": wanted}
    )
    thread.start()
    assert looked.wait(PATIENCE_S)
    return thread


def test_the_newest_frame_wins_and_the_older_is_counted() -> None:
    """A live camera never makes the loop work through a backlog."""
    inbox = Inbox()
    for number in range(3):
        inbox.offer(frame(number), replace=True)
    _, taken = inbox.poll(0)
    assert taken is not None
    assert taken.sequence == 2
    assert inbox.dropped == 2
    assert inbox.poll(0) == ([], None)


def test_signals_come_in_order_and_none_is_lost() -> None:
    """Signals are handed over beside the frame, all of them."""
    inbox = Inbox()
    inbox.post(Signal(Trigger.OPENED))
    inbox.post(Signal(Trigger.CLOSED))
    inbox.offer(frame(0), replace=True)
    signals, taken = inbox.poll(0)
    assert signals == [Signal(Trigger.OPENED), Signal(Trigger.CLOSED)]
    assert taken is not None


def test_a_clip_waits_until_its_frame_was_taken() -> None:
    """A file plays every frame: the second offer returns only after the first was taken."""
    inbox = Inbox()
    inbox.offer(frame(0), replace=False)
    second = offering(inbox, 1)
    assert second.is_alive()
    taken = [inbox.poll(FOREVER_S)[1], inbox.poll(FOREVER_S)[1]]
    second.join(PATIENCE_S)
    assert [one.sequence for one in taken if one is not None] == [0, 1]
    assert inbox.dropped == 0


def test_a_signal_ends_the_wait_for_a_frame() -> None:
    """An emergency never waits for a picture."""
    inbox = Inbox()
    threading.Timer(0, inbox.post, [Signal(Trigger.EMERGENCY)]).start()
    signals, taken = inbox.poll(FOREVER_S)
    assert signals == [Signal(Trigger.EMERGENCY)]
    assert taken is None


def test_closing_frees_a_waiting_feed() -> None:
    """A stop does not hang on a clip that nobody takes frames from."""
    inbox = Inbox()
    inbox.offer(frame(0), replace=False)
    waiting = offering(inbox, 1)
    inbox.close()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()


def test_the_loop_answers_what_another_thread_asks() -> None:
    """The work is done by whoever takes it out, and its value or error goes back."""
    inbox = Inbox()
    answers: list[object] = []

    def ask() -> None:
        answers.append(inbox.ask(lambda: 42, FOREVER_S))
        with pytest.raises(ControlError, match="no"):
            inbox.ask(refuse, FOREVER_S)
        answers.append("refused")

    def refuse() -> None:
        raise ControlError("no")

    asker = threading.Thread(target=ask)
    asker.start()
    for _ in range(2):
        ((call,), _) = inbox.poll(FOREVER_S)
        assert isinstance(call, Call)
        call.run()
    asker.join(PATIENCE_S)
    assert answers == [42, "refused"]


def test_what_the_loop_was_too_late_for_is_never_done() -> None:
    """An operator who was told 'no answer' is not surprised by a gate that opens later."""
    inbox = Inbox()
    done: list[bool] = []
    with pytest.raises(NoAnswer, match="does not answer"):
        inbox.ask(lambda: done.append(True), 0.01)
    ((call,), _) = inbox.poll(0)
    assert isinstance(call, Call)
    call.run()
    assert not done


def test_a_closed_inbox_answers_nobody() -> None:
    """Whoever asks a gate that stops is told so at once."""
    inbox = Inbox()
    inbox.close()
    with pytest.raises(NoAnswer, match="stopping"):
        inbox.ask(lambda: None, 60)
