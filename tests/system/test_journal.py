"""The journal: fields and priorities by datagram; it never waits, never floods, names nobody."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gate.core.describe import describe, fields, level, without_person
from gate.core.domain import Event, EventKind, Reason, State
from gate.system import journal
from gate.system.journal import BURST, WINDOW_S, Calm, Journal


class Journald:
    """The other end of the socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)

    def entries(self) -> list[dict[str, str]]:
        """What has come, read as the protocol says."""
        found = []
        try:
            while True:
                data = self._socket.recv(1 << 20)
                if data:
                    found.append(self._parse(data))
        except BlockingIOError:
            return found

    def _parse(self, data: bytes) -> dict[str, str]:
        entry = {}
        while data:
            line, _, data = data.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                size = int.from_bytes(data[:8], "little")
                value, data = data[8 : 8 + size], data[8 + size :]
                assert data[:1] == b"\n"
                data = data[1:]
            entry[name.decode()] = value.decode()
        return entry

    def close(self) -> None:
        self._socket.close()


class Kept(logging.Handler):
    """Keeps the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    with closing(Journald(tmp_path)) as it:
        yield it


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger that writes nowhere yet."""
    it = logging.getLogger("test.journal")
    it.propagate = False
    it.setLevel(logging.DEBUG)
    yield it
    for handler in list(it.handlers):
        it.removeHandler(handler)
        handler.close()


EVENT = Event(
    EventKind.OPERATOR_GRANTED,
    0.0,
    after=State.GRANTED,
    reason=Reason.OPERATOR,
    visit=812,
    score=0.93,
    who="anna",
    detail="the Meier family's second child",
)


@pytest.mark.parametrize(
    ("at", "priority"),
    [
        (logging.DEBUG, "7"),
        (logging.INFO, "6"),
        (logging.WARNING, "4"),
        (logging.ERROR, "3"),
        (logging.CRITICAL, "2"),
    ],
)
def test_a_record_has_its_priority_and_its_place(
    journald: Journald, log: logging.Logger, at: int, priority: str
) -> None:
    """`journalctl -p warning` shows the warnings and worse."""
    log.addHandler(Journal(journald.path))
    log.log(at, "frame %d", 7)
    (entry,) = journald.entries()
    assert entry["MESSAGE"] == "frame 7"
    assert entry["PRIORITY"] == priority
    assert entry["SYSLOG_IDENTIFIER"] == "smile-gate"
    assert entry["CODE_FILE"] == __file__
    assert entry["CODE_FUNC"].startswith("test_a_record")


def test_an_event_can_be_searched_for(journald: Journald, log: logging.Logger) -> None:
    """`journalctl EVENT=… VISIT=…` finds it."""
    log.addHandler(Calm(Journal(journald.path)))
    log.info("%s", describe(EVENT), extra=fields(EVENT))
    (entry,) = journald.entries()
    wanted = {"EVENT": "operator_granted", "VISIT": "812", "STATE": "granted", "REASON": "operator"}
    assert wanted.items() <= entry.items()


def test_the_journal_has_nothing_personal(journald: Journald, log: logging.Logger) -> None:
    """Who opened, what they wrote and how a guest smiled is for the audit log alone."""
    log.addHandler(Journal(journald.path))
    log.info("%s", describe(without_person(EVENT)), extra=fields(EVENT))
    (entry,) = journald.entries()
    assert entry["MESSAGE"] == "operator_granted: visit 812, operator"
    assert not {"anna", "Meier", "0.93"} & set(" ".join(entry.values()).split())


def test_a_fault_says_what_is_broken() -> None:
    """Nobody wrote it, so it is no one's: the technician needs it."""
    fault = Event(EventKind.FAULT, 0.0, reason=Reason.FAULT_CAMERA, detail="no new picture for 2 s")
    assert "no new picture" in describe(without_person(fault))
    assert level(fault) == logging.ERROR


def test_a_traceback_is_one_entry(journald: Journald, log: logging.Logger) -> None:
    """Several lines stay together, with the error's last line in them."""
    log.addHandler(Journal(journald.path))
    try:
        raise ValueError("über")
    except ValueError:
        log.exception("frame %d cannot be judged", 3)
    (entry,) = journald.entries()
    lines = entry["MESSAGE"].splitlines()
    assert lines[0] == "frame 3 cannot be judged"
    assert lines[-1] == "ValueError: über"
    assert entry["PRIORITY"] == "3"


def test_of_a_huge_message_both_ends_are_kept(journald: Journald, log: logging.Logger) -> None:
    """It fits into a datagram, and says how much it lacks."""
    log.addHandler(Journal(journald.path))
    log.info("begin" + "x" * 1_000_000 + "end")
    (entry,) = journald.entries()
    message = entry["MESSAGE"]
    assert len(message) < 20_000
    assert message.startswith("beginx")
    assert message.endswith("xend")
    assert "984008 characters left out" in message


def test_a_journal_that_is_full_keeps_nobody_waiting(
    journald: Journald, log: logging.Logger
) -> None:
    """The log call comes back, and the gap is told once there is room."""
    log.addHandler(Journal(journald.path))
    for number in range(5000):
        log.info("number %d", number)
    came = len(journald.entries())
    assert came < 5000
    log.info("room again")
    told, last = journald.entries()
    assert told["MESSAGE"] == f"{5000 - came} messages before this one were lost"
    assert last["MESSAGE"] == "room again"


def test_a_journal_that_goes_away_is_no_fault(
    journald: Journald, log: logging.Logger, tmp_path: Path
) -> None:
    """Journald is restarted: what it missed is counted, what follows arrives."""
    log.addHandler(Journal(journald.path))
    journald.close()
    journald.path.unlink()
    log.info("nobody listens")
    with closing(Journald(tmp_path)) as again:
        log.info("back")
        assert [entry["MESSAGE"] for entry in again.entries()] == [
            "1 messages before this one were lost",
            "back",
        ]


def test_what_repeats_is_counted_and_summed_up(log: logging.Logger) -> None:
    """A place in the code speaks a few times in a while; the rest is a number."""
    kept, now = Kept(), [0.0]
    log.addHandler(Calm(kept, lambda: now[0]))
    for number in range(100):
        log.warning("frame %d came too late", number)
    assert len(kept.said) == BURST
    now[0] = WINDOW_S
    log.info("something else")
    assert kept.said[BURST:] == [
        f"{100 - BURST} more like: frame 0 came too late",
        "something else",
    ]


def test_the_sum_is_told_at_the_end(log: logging.Logger) -> None:
    """What was held back when the gate stops is not forgotten."""
    kept = Kept()
    calm = Calm(kept, lambda: 0.0)
    log.addHandler(calm)
    for _ in range(BURST + 2):
        log.warning("again")
    calm.close()
    assert kept.said[-1] == "2 more like: again"


def test_events_are_never_held_back(log: logging.Logger) -> None:
    """However many guests: each event has its line."""
    kept = Kept()
    log.addHandler(Calm(kept, lambda: 0.0))
    for _ in range(50):
        log.info("granted", extra=fields(EVENT))
    assert len(kept.said) == 50


def test_the_journal_is_used_where_standard_error_leads_to_it(
    journald: Journald, tmp_path: Path
) -> None:
    """`$JOURNAL_STREAM` names the stream; one that was redirected since gets plain lines."""
    with (tmp_path / "stderr").open("w") as file:
        status = os.fstat(file.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        record = logging.makeLogRecord({"msg": "hello", "levelno": logging.INFO})
        with closing(journal.handler(environ, file.fileno(), journald.path)) as handler:
            handler.handle(record)
        assert [entry["MESSAGE"] for entry in journald.entries()] == ["hello"]
        with closing(journal.handler(environ, 0, journald.path)) as handler:
            handler.handle(record)
        with closing(journal.handler({}, file.fileno(), journald.path)) as handler:
            handler.handle(record)
        with closing(journal.handler(environ, file.fileno(), tmp_path / "none")) as handler:
            handler.handle(record)
        assert journald.entries() == []


def test_a_record_that_cannot_be_written_raises_nothing(
    journald: Journald, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in a log call does not stop the gate."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.addHandler(Calm(Journal(journald.path)))
    for _ in range(BURST + 1):
        log.info("%d", "no number")
    assert journald.entries() == []
