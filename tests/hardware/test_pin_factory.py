"""What a library does that a gate cannot live with."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from gpiozero.pins.mock import MockFactory

from gate.hardware.pin_factory import EdgeThread


class LGPIOFactory:
    """A factory of the name that gpiozero gives to lgpio's."""


class CallbackThread:
    """lgpio's own, which ends at what a handler raises, and is started at the import only."""

    def __init__(self) -> None:
        self.alive = True

    def is_alive(self) -> bool:
        return self.alive


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    it = SimpleNamespace(_callback_thread=CallbackThread, _notify_thread=CallbackThread())
    monkeypatch.setitem(sys.modules, "lgpio", it)
    return it


def test_a_thread_of_lgpio_that_ended_is_replaced(lgpio: SimpleNamespace) -> None:
    """A living one is left alone: its lines are told by it."""
    edges = EdgeThread(LGPIOFactory())
    first = lgpio._notify_thread
    edges.restart()
    assert lgpio._notify_thread is first
    first.alive = False
    assert not edges.is_alive()
    edges.restart()
    assert edges.is_alive()
    assert lgpio._notify_thread is not first


def test_other_libraries_have_no_thread_that_could_end(lgpio: SimpleNamespace) -> None:
    """Their edges are checked by the levels alone."""
    lgpio._notify_thread.alive = False
    edges = EdgeThread(MockFactory())
    assert edges.is_alive()
    edges.restart()
    assert not lgpio._notify_thread.alive
