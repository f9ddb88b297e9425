"""What readers of the log ask, as streams: each page is an answer of the query process."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.errors import ControlError
from gate.interfaces.control.protocol import Command, Request
from gate.service.query_process import QueryProcess

WAKE_S = 1.0
"""How often a stream that waits looks whether its client is there, and the log has changed, s."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of the log, as far as it shows without reading it."""

    told: int
    """Number of events that the gate wrote in this run."""
    files: tuple[tuple[int, int], ...]
    """Time of the last change (ns) and size (bytes) of the log and of its WAL."""


class LogFeed:
    """Whether there is something new in the log, of the gate itself or of a command's."""

    def __init__(self, log: Path) -> None:
        self._files = (log, log.with_name(log.name + "-wal"))
        self._changed = threading.Condition()
        self._told = 0

    def tell(self) -> None:
        """An event was recorded."""
        with self._changed:
            self._told += 1
            self._changed.notify_all()

    def stamp(self) -> Stamp:
        """How the log is now: take it before the log is read."""
        return Stamp(self._told, tuple(map(_look, self._files)))

    def wait(self, stamp: Stamp, timeout_s: float) -> bool:
        """Wait for an event, or for ``timeout_s`` seconds; whether the log is another by then."""
        with self._changed:
            self._changed.wait_for(lambda: self._told != stamp.told, timeout_s)
        return self.stamp() != stamp


def _look(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


class Queries:
    """Answers readers. `answer` is for the clients' threads, the rest for the loop's."""

    def __init__(
        self, process: QueryProcess, feed: LogFeed, exported: Callable[[str, str], None]
    ) -> None:
        """``exported`` records who was given an export, and what was in it (JSON)."""
        self._process = process
        self._feed = feed
        self._exported = exported

    def answer(self, request: Request) -> Generator[bytes]:
        """The chunks of an answer, as the protocol says. Raises `ControlError`."""
        question = dict(request.question)
        match request.command:
            case Command.EVENTS:
                yield from self._events(**question)
            case Command.EXPORT:
                yield from self._export(request.who, question)
            case _:
                yield self._process.ask({"ask": request.command} | question)[1]

    def look_after(self, now: float) -> None:
        """Let the process end when nobody asks; it never waits."""
        self._process.look_after(now)

    def close(self) -> None:
        """End the process; may be called twice."""
        self._process.close()

    def _events(self, log: Any = None, after: Any = None, follow: Any = True) -> Generator[bytes]:
        if type(after) is not int or not 0 <= after < 2**63:
            raise ControlError("after: the number of the last event that you have; 0 for none")
        begun = False
        while True:
            stamp = self._feed.stamp()
            head, page = self._process.ask({"ask": "events", "log": log, "after": after})
            if not begun:
                begun, log = True, head["log"]
                yield _line({"ok": True, "log": log, "columns": head["columns"]})
            if page:
                after = head["last"]
                yield page
            if head["more"]:
                continue
            if not follow:
                yield _line({"end": after})
                return
            while not self._feed.wait(stamp, WAKE_S):
                yield b""

    def _export(self, who: str, query: dict[str, Any]) -> Generator[bytes]:
        """The pages of a CSV file, and its manifest; whatever left the gate is recorded."""
        digest, more = hashlib.sha256(), True
        tally: dict[str, Any] = {}
        begun = datetime.now(UTC)
        try:
            while more:
                asked = {"ask": "export", "tally": tally or None} | query
                head, page = self._process.ask(asked)
                more = head["more"]
                if not tally:
                    yield _line({"ok": True, "format": "csv"})
                tally = head["tally"]
                digest.update(page)
                yield _line({"bytes": len(page)}) + page
        finally:
            if tally:
                said = {name: tally[name] for name in ("events", "first", "last")}
                said |= {"sha256": digest.hexdigest(), "to": "control socket", "whole": not more}
                self._exported(who, json.dumps(said))
        manifest = {
            "format": "csv",
            "sha256": digest.hexdigest(),
            "made": begun.isoformat(timespec="seconds"),
            "query": head["query"],
            "log": head["log"],
        }
        yield _line({"end": manifest | tally})


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
