"""Log records for journald, with priorities and fields; plain lines where there is no journal.

Sources: systemd.io/JOURNAL_NATIVE_PROTOCOL; systemd.journal-fields(7); systemd.exec(5),
``$JOURNAL_STREAM``; syslog(3) for the priorities.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "smile-gate"
TEXT_LIMIT = 16_000
"""Longest message, characters; the middle of a longer one is left out. A datagram takes about
200 kB (net.core.wmem_default), so that no message needs a file of its own."""
BURST = 5
"""Records of one place in the code that go through in `WINDOW_S`; the others are counted."""
WINDOW_S = 10.0
"""Length of the window, s."""

_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)


def handler(
    environ: Mapping[str, str] = os.environ, stderr: int = 2, path: Path = SOCKET
) -> logging.Handler:
    """The handler for this process: to the journal where standard error leads there too."""
    journal = _leads_to_journal(environ.get("JOURNAL_STREAM", ""), stderr)
    if journal:
        try:
            return Calm(Journal(path))
        except OSError:
            pass  # a journal without its socket: its stream, then
    plain = logging.StreamHandler()
    plain.setFormatter(
        logging.Formatter(f"{'' if journal else '%(asctime)s '}%(levelname)s %(message)s")
    )
    return Calm(plain)


def _leads_to_journal(stream: str, descriptor: int) -> bool:
    """Whether the descriptor writes to ``$JOURNAL_STREAM`` (device:inode)."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


class Journal(logging.Handler):
    """Sends one datagram a record and never waits: one that journald can't take is counted as lost.

    A record's ``journal`` attribute (a mapping, by ``extra=``) becomes fields of the entry.
    """

    def __init__(self, path: Path = SOCKET) -> None:
        """Raise OSError where there is no journal."""
        super().__init__()
        self._lost = 0
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.sendto(b"", self._path)  # journald ignores it
        except BlockingIOError:
            pass  # it is there, and busy
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record."""
        try:
            entry = self._entry(record)
        except Exception:
            self.handleError(record)
            return
        if self._lost and self._send(
            _field("PRIORITY", "4")
            + _field("SYSLOG_IDENTIFIER", IDENTIFIER)
            + _field("MESSAGE", f"{self._lost} messages before this one were lost")
        ):
            self._lost = 0
        if not self._send(entry):
            self._lost += 1

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close()
        super().close()

    def _entry(self, record: logging.LogRecord) -> bytes:
        priority = next((found for level, found in _PRIORITIES if record.levelno >= level), 7)
        fields = {
            "MESSAGE": _shortened(self.format(record)),
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
            "CODE_FUNC": record.funcName,
        }
        fields |= getattr(record, "journal", {})
        return b"".join(_field(name, str(value)) for name, value in fields.items())

    def _send(self, entry: bytes) -> bool:
        try:
            self._socket.sendto(entry, self._path)
        except OSError:  # full, restarted, or gone: the gate goes on
            return False
        return True


class Calm(logging.Handler):
    """Hands records to another handler; those that repeat too often are counted and summed up.

    The sum follows with the next record of any kind, or at the end. A record of an event (one with
    fields) is never held back.
    """

    def __init__(
        self, target: logging.Handler, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._target = target
        self._clock = clock
        self._places: dict[tuple[str, int], _Place] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the record on, or count it."""
        now = self._clock()
        self._sum_up(before=now - WINDOW_S)
        if not hasattr(record, "journal"):
            key = (record.pathname, record.lineno)
            if key not in self._places:
                self._places[key] = _Place(*_sum_of(record), began=now)
            place = self._places[key]
            place.count += 1
            if place.count > BURST:
                return
        self._target.handle(record)

    def close(self) -> None:
        """Sum up what was held back, and close the target."""
        self._sum_up(before=float("inf"))
        self._target.close()
        super().close()

    def _sum_up(self, before: float) -> None:
        """End the windows that began before a time."""
        for key, place in list(self._places.items()):
            if place.began <= before:
                del self._places[key]
                if place.count > BURST:
                    place.sum.args = (place.count - BURST, place.text)
                    self._target.handle(place.sum)


@dataclass(slots=True)
class _Place:
    """A place in the code that logs, with the count of its records in the present window."""

    sum: logging.LogRecord
    """The record that sums up those that were held back; its arguments are set then."""
    text: str
    """Text of the first of them."""
    began: float
    count: int = 0


def _sum_of(first: logging.LogRecord) -> tuple[logging.LogRecord, str]:
    """The record that sums up those like ``first``, and its text; neither keeps a traceback."""
    try:
        message = first.getMessage()
    except (TypeError, ValueError, KeyError):  # the target will say that it can't be written
        message = str(first.msg)
    where = (first.name, first.levelno, first.pathname, first.lineno)
    return logging.LogRecord(*where, "%d more like: %s", (), None, first.funcName), message


def _field(name: str, value: str) -> bytes:
    """A field in the form of the protocol; a value of several lines is sent with its length."""
    data = value.encode(errors="replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


def _shortened(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
