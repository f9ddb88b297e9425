"""Expected failures, each with a message that says what to do."""

from typing import ClassVar


class GateError(Exception):
    """An expected failure: its text is one line for a person, and it names the remedy."""

    exit_code: ClassVar[int] = 1


class ConfigError(GateError):
    """The configuration can't be used; the text has one line for each mistake."""

    exit_code: ClassVar[int] = 2


class CameraError(GateError):
    """The camera or the clip gives no picture."""


class CameraHung(CameraError):
    """The camera hangs, and only a restart of the process frees it."""

    exit_code: ClassVar[int] = 6


class EndOfClip(CameraError):
    """A recorded source has handed over its last frame."""


class CutShort(EndOfClip):
    """A recorded source ends long before the last frame that it says it has."""


class PictureError(GateError):
    """A picture can't be read, or isn't one."""


class ModelError(GateError):
    """The model file, or the card beside it, can't be used."""


class StoreError(GateError):
    """The audit log can't be read or written."""


class RelayError(GateError):
    """A GPIO line can't be claimed or driven."""


class NoGuardError(RelayError):
    """Nobody watches the limit from outside: the line was left as it was."""


class ControlError(GateError):
    """The control socket can't be made, or what was asked of the gate was not done."""


class AnotherGate(ControlError):
    """The control socket, or the log, belongs to a gate that runs already."""


class NotRunning(ControlError):
    """No gate answers at the control socket."""

    exit_code: ClassVar[int] = 3


class NotAllowed(ControlError):
    """The person who asks may not steer the gate."""

    exit_code: ClassVar[int] = 4


class NoAnswer(ControlError):
    """The gate runs, but its loop did not answer in time."""

    exit_code: ClassVar[int] = 5


class IllegalTransition(GateError):
    """The transition table has no row for this state and signal."""
