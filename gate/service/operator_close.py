"""An operator's close that nobody has taken back: no restart and no damage opens the lane.

The log says it. Where the log had to be set aside, or lost its end, a file beside it does.
"""

from __future__ import annotations

from pathlib import Path

from gate.audit import sidecar
from gate.core.domain import EventKind, Record
from gate.core.lane_closures import OperatorClose

_NAME = "closed"


def keep(log_file: Path, closing: OperatorClose | None) -> None:
    """Remember a close, or that it was taken back, beside the log."""
    if closing is None:
        sidecar.remove(log_file, _NAME)
    else:
        sidecar.write(log_file, _NAME, {"who": closing.who, "why": closing.why})


def logged(word: Record | None) -> OperatorClose | None:
    """The close that holds by the log's newest word of an operator."""
    if word is None or word.event.kind is not EventKind.LANE_CLOSED:
        return None
    return OperatorClose(word.event.who or "?", word.event.detail)


def find(word: Record | None, log_file: Path) -> tuple[OperatorClose | None, bool]:
    """The close that holds, and whether the log has it.

    The log's word counts. A log that has none, that was begun anew or that can't be opened is asked
    no further: then the file decides, and one that can't be read is a close by somebody.
    """
    if word is not None:
        return logged(word), True
    kept = sidecar.read(log_file, _NAME)
    if kept is None:
        return None, True
    why = kept.get("why")
    return OperatorClose(str(kept.get("who") or "?"), None if why is None else str(why)), False
