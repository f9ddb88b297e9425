"""Who may give a command, and a line in the journal for each who tried and may not."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from gate.errors import NotAllowed
from gate.interfaces.control.peer import Credentials, Grants, Role
from gate.interfaces.control.protocol import Command, Request

log = logging.getLogger(__name__)

QUIET_S = 60.0
"""The same refusal is one line in this time, with its count, so that nobody can drown the journal
of a gate that allows only so many lines."""
KNOWN = 1000
"""Refusals that are kept apart; beyond that they are counted from the beginning again."""

_LISTS = {
    Role.STEER: "control.group",
    Role.WATCH: "control.viewers",
    Role.READ: "control.readers",
    Role.SPEAK: "control.speakers",
}


@dataclass(slots=True)
class _Count:
    """How often something was refused since the journal was told."""

    told_at: float
    since: int = 0


class Refusals:
    """Checks requests; clients' threads may call it at the same time."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, Command], _Count] = {}

    def check(self, request: Request, who: Credentials, now: float) -> None:
        """Raise `NotAllowed` where the peer lacks the role that the request needs."""
        needed = request.needs
        if needed is None or needed in request.peer.roles:
            return
        self._note(request, who, now)
        raise NotAllowed(f"{request.peer.name} may not do this; {self._remedy(needed, request)}")

    def _note(self, request: Request, who: Credentials, now: float) -> None:
        """Tell the journal: the first time at once, then once in `QUIET_S` how often it was."""
        with self._lock:
            known = self._counts.get((who.uid, request.command))
            if known is not None:
                known.since += 1
                if now - known.told_at < QUIET_S:
                    return
            times = known.since if known is not None else 1
            if len(self._counts) >= KNOWN:
                self._counts.clear()
            self._counts[who.uid, request.command] = _Count(now)
        often = f" ({times} times)" if times > 1 else ""
        log.warning(
            "refused: %s by %s (uid %d), not allowed%s",
            request.command,
            request.peer.name,
            who.uid,
            often,
        )

    def _remedy(self, needed: Role, request: Request) -> str:
        groups = [*self._grants.get(needed, ())]
        if groups:
            return (
                f"ask an administrator: sudo usermod -aG {groups[0]} {request.peer.name}, then log"
                " out and in again"
            )
        return f"nobody is let but root: an administrator can name a group in {_LISTS[needed]}"
