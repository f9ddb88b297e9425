"""An operator's close that nobody has taken back: no restart and no damage opens the lane.

The log says it. Where the log had to be set aside, or lost its end, a file beside it does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gate.audit import Store, sidecar
from gate.core.domain import EventKind, Record
from gate.core.lane_closures import OperatorClose
from gate.errors import StoreError

_NAME = "closed"


def keep(store: Store | None, log_file: Path, closing: OperatorClose | None) -> str | None:
    """Remember a close, or that it was taken back, beside the log, after its event was submitted.

    Returns None where the next start will find it so, else why it will not.
    """
    problem = None
    if closing is None:
        sidecar.remove(log_file, _NAME)
    else:
        after = None if store is None else store.sequence
        content = {"who": closing.who, "why": closing.why, "after": after}
        problem = sidecar.write(log_file, _NAME, content)
    try:
        if store is None and closing is None:
            return "the audit log can't be opened"
        found, _ = find(None if store is None else store.operators_word(), log_file)
    except StoreError as error:
        return str(error)
    if (found is None) is (closing is None):
        return None
    return problem or "the audit log can't be written"


def logged(word: Record | None) -> OperatorClose | None:
    """The close that holds by the log's newest word of an operator."""
    if word is None or word.event.kind is not EventKind.LANE_CLOSED:
        return None
    return OperatorClose(word.event.who or "?", word.event.detail)


def find(word: Record | None, log_file: Path) -> tuple[OperatorClose | None, bool]:
    """The close that holds, and whether the log has it.

    The log's word counts, unless the file is of a later moment: what a full card could not take.
    A log that has no word, that was begun anew or that can't be opened is asked no further: then
    the file decides, and one that can't be read is a close by somebody.
    """
    closing = logged(word)
    if closing is not None:
        return closing, True
    kept = sidecar.read(log_file, _NAME)
    if word is not None and not (kept and _is_later(kept, word.sequence)):
        return None, True
    if kept is None:
        return None, True
    why = kept.get("why")
    return OperatorClose(str(kept.get("who") or "?"), None if why is None else str(why)), False


def _is_later(kept: dict[str, Any], sequence: int) -> bool:
    """Whether the file was written when the log had its reopening, event ``sequence``, already.

    Where the log could not be opened then, nobody knows: it stays closed.
    """
    if "after" not in kept:
        return False
    after = kept["after"]
    return after is None or (isinstance(after, int) and after >= sequence)
