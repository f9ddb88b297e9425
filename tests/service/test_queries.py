"""Questions about a real log, answered by a real process beside this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate.audit import Store, chain, files
from gate.audit.verify.export import verify_export
from gate.core.domain import Event, EventKind
from gate.errors import ControlError
from gate.interfaces.control.peer import Peer
from gate.interfaces.control.protocol import Command, Request
from gate.service import query_process
from gate.service.queries import LogFeed, Queries
from gate.service.query_process import IDLE_S, QueryProcess
from tests.logs import face_seen, granted, left

pytestmark = pytest.mark.slow
"""Each asks a process of its own."""

VISITS = 400
EVENTS = 3 * VISITS + 1
"""The log begins with its identity."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of two pages and a bit."""
    path = tmp_path_factory.mktemp("log") / "audit.db"
    with closing(Store.open(path, gate_id="west", threshold=0.65)) as store:
        for visit in range(1, VISITS + 1):
            end = granted(visit) if visit % 4 else left(visit)
            store.record([face_seen(visit), end, Event(EventKind.TAMPER, 1.0, detail="[/x], é")])
    return path


class Clock:
    """The time, which stands still."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def process(log: Path, clock: Clock) -> Iterator[QueryProcess]:
    with closing(QueryProcess(log, clock=clock)) as it:
        yield it


class Reader:
    """Asks as a client does, and keeps what was recorded of its exports."""

    def __init__(self, process: QueryProcess, feed: LogFeed) -> None:
        self.exported: list[tuple[str, Any]] = []
        self._queries = Queries(
            process, feed, lambda who, what: self.exported.append((who, json.loads(what)))
        )

    def ask(self, command: Command, **question: Any) -> Generator[bytes]:
        return self._queries.answer(Request(command, Peer("carol"), question=question))

    def lines(self, command: Command, **question: Any) -> list[dict[str, Any]]:
        """Every line of an answer that ends."""
        return [json.loads(line) for line in self.ask(command, **question)]


@pytest.fixture
def reader(process: QueryProcess, log: Path) -> Reader:
    return Reader(process, LogFeed(log))


def test_events_come_as_flat_rows_that_can_be_checked(reader: Reader) -> None:
    """Pages of 500, each with the digest before it and its origins: the chain can be followed."""
    head, *pages, end = reader.lines(Command.EVENTS, after=0, follow=False)
    assert [len(page["events"]) for page in pages] == [500, 500, EVENTS - 1000]
    assert end == {"end": EVENTS}
    previous = chain.START.digest.hex()
    for page in pages:
        assert page["previous"] == previous
        assert page["from"] == page["events"][0][0]
        for values in page["events"]:
            row = dict(zip(head["columns"], values, strict=True))
            digest = chain.row_digest(
                bytes.fromhex(previous),
                chain.origin_digest(*page["origins"][str(row["origin"])]),
                chain.numbers_text([row[name] for name in chain.NUMBERS]),
                chain.what_text(row["kind"], row["reason"], row["before"], row["after"]),
                bytes.fromhex(row["words"] or ""),
            )
            assert row["words"] == (chain.words_digest(row["who"], row["detail"]) or b"").hex() or (
                row["words"] is None and row["who"] is row["detail"] is None
            )
            assert digest.hex() == row["digest"]
            previous = row["digest"]


def test_events_go_on_where_the_reader_stopped(reader: Reader) -> None:
    """Numbers above the one that was named; at the end of the log there is none."""
    _, page, _ = reader.lines(Command.EVENTS, after=EVENTS - 2, follow=False)
    assert [row[0] for row in page["events"]] == [EVENTS - 1, EVENTS]
    head, end = reader.lines(Command.EVENTS, after=EVENTS, follow=False)
    assert len(head["log"]) == 32
    assert end == {"end": EVENTS}


def test_a_stream_goes_on_with_what_happens(tmp_path: Path, clock: Clock) -> None:
    """An event is there as soon as the gate tells of it; until then there is nothing to send."""
    path = tmp_path / "audit.db"
    feed = LogFeed(path)
    with (
        closing(Store.open(path)) as store,
        closing(QueryProcess(path, clock=clock)) as process,
    ):
        store.record([face_seen(1)])
        answers = Reader(process, feed).ask(Command.EVENTS, after=0)
        assert b'"columns"' in next(answers)
        assert b'"face_seen"' in next(answers)

        def happen() -> None:
            store.record([granted(1)])
            feed.tell()

        threading.Thread(target=happen).start()
        arrived = next(chunk for chunk in answers if chunk)
        assert [row[0] for row in json.loads(arrived)["events"]] == [3]


def test_what_another_program_writes_is_noticed(tmp_path: Path) -> None:
    """A command writes into the log too, and nobody tells the gate."""
    path = tmp_path / "audit.db"
    feed = LogFeed(path)
    with closing(Store.open(path)) as store:
        stamp = feed.stamp()
        assert not feed.wait(stamp, 0)
        store.record([Event(EventKind.BACKED_UP, 1.0)])
        assert feed.wait(stamp, 0)


def test_a_search_is_one_answer(reader: Reader) -> None:
    """The conditions are those of the command line's search, and the limit holds."""
    (found,) = reader.lines(Command.SEARCH, events=["visit_left"], limit=7, newest_first=True)
    at = found["columns"].index("visit")
    assert [row[at] for row in found["events"]] == [400, 396, 392, 388, 384, 380, 376]
    (found,) = reader.lines(Command.SEARCH, visit=5, since="2020-01-01T00:00:00+01:00")
    assert len(found["events"]) == 2
    (found,) = reader.lines(Command.SEARCH)
    assert len(found["events"]) == 100


def test_statistics_are_one_answer(reader: Reader) -> None:
    """The counts of the whole range, and of each part."""
    (found,) = reader.lines(Command.STATS, by="event")
    assert found["total"]["grants"] == 3 * VISITS // 4
    assert found["total"]["denials"] == VISITS // 4
    assert {part["label"] for part in found["parts"]} == {
        *("log_begun", "face_seen", "granted", "visit_left", "tamper")
    }


def test_an_export_is_a_file_that_can_be_verified(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pieces and their manifest are an export as the command makes it, and are recorded."""
    chunks = [*reader.ask(Command.EXPORT)]
    assert json.loads(chunks[0])["format"] == "csv"
    pieces = [chunk.partition(b"\n") for chunk in chunks[1:-1]]
    assert all(json.loads(lead)["bytes"] == len(data) for lead, _, data in pieces)
    manifest = json.loads(chunks[-1])["end"]
    file = tmp_path / "may.csv"
    file.write_bytes(b"".join(data for _, _, data in pieces))
    file.with_name("may.csv.manifest.json").write_text(json.dumps(manifest))
    verdict = verify_export(file)
    assert (verdict.events, verdict.findings) == (EVENTS, ())
    assert len(manifest["log"]) == 32
    assert manifest["rule_2_from"] == 1
    ((who, what),) = reader.exported
    assert who == "carol"
    assert (what["events"], what["sha256"], what["whole"]) == (EVENTS, manifest["sha256"], True)


def test_an_export_that_was_cut_off_is_recorded_too(reader: Reader) -> None:
    """What left the gate left it, whether or not the reader waited for the end."""
    chunks = reader.ask(Command.EXPORT, events=["granted"])
    next(chunks)
    next(chunks)
    assert reader.exported == []
    chunks.close()
    assert reader.exported[0][1]["events"] == 3 * VISITS // 4


@pytest.mark.parametrize(
    ("command", "question", "said"),
    [
        (Command.EVENTS, {}, "after: the number"),
        (Command.EVENTS, {"after": True}, "after: the number"),
        (Command.EVENTS, {"after": 2**70}, "after: the number"),
        (Command.EVENTS, {"after": 1202}, "no event 1202 yet: the newest is 1201"),
        (Command.EVENTS, {"after": 0, "log": "9f" * 16}, "this log is another one"),
        (Command.SEARCH, {"limit": 0}, "limit: a number from 1 to 50000"),
        (Command.SEARCH, {"limit": 50_001}, "limit: a number from 1 to 50000"),
        (Command.SEARCH, {"since": "yesterday"}, "since: a time with its offset"),
        (Command.SEARCH, {"since": "2026-05-01T00:00:00"}, "since: a time with its offset"),
        (Command.SEARCH, {"events": "granted"}, "events: a list"),
        (Command.SEARCH, {"reasons": ["magic"]}, "reasons: one of smile_held"),
        (Command.SEARCH, {"events": [["granted"]]}, "events: one of"),
        (Command.SEARCH, {"score_from": 2}, "score_from: a number from 0 to 1"),
        (Command.SEARCH, {"visit": "1; DROP TABLE event"}, "visit: a whole number"),
        (Command.SEARCH, {"who": 7}, "who: a text"),
        (Command.STATS, {"by": "moon"}, "by: one of hour"),
        (Command.STATS, {"since": "2026-05-02T00:00Z", "until": "2026-05-01T00:00Z"}, "before"),
        (Command.EXPORT, {"before": -1}, "before: a whole number"),
    ],
)
def test_a_wrong_question_is_refused_in_one_line(
    reader: Reader, process: QueryProcess, command: Command, question: dict[str, Any], said: str
) -> None:
    """The line says which field, and the same process answers the next question."""
    reader.lines(Command.SEARCH, limit=1)
    before = process.pid()
    with pytest.raises(ControlError, match=said) as error:
        reader.lines(command, **question)
    assert "\n" not in str(error.value)
    assert reader.lines(Command.SEARCH, limit=1)
    assert process.pid() == before


def test_an_answer_that_is_too_long_is_refused(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate's memory is not for whoever asks for all at once; streams come in smaller pieces."""
    path = tmp_path / "audit.db"
    with closing(Store.open(path)) as store:
        store.record([Event(EventKind.TAMPER, 1.0, detail="x" * 2**20)] * 5)
    with closing(QueryProcess(path, clock=clock)) as process:
        reader = Reader(process, LogFeed(path))
        with pytest.raises(ControlError, match="longer than 4 MB; ask for less"):
            reader.lines(Command.SEARCH)
        (found,) = reader.lines(Command.SEARCH, limit=3)
        assert len(found["events"]) == 3
        _, *pages, end = reader.lines(Command.EVENTS, after=0, follow=False)
        assert [row[0] for page in pages for row in page["events"]] == [1, 2, 3, 4, 5, 6]
        assert end == {"end": 6}
        *_, manifest = reader.ask(Command.EXPORT)
        assert json.loads(manifest)["end"]["events"] == 6


def test_a_long_search_is_one_answer_of_several_pages(reader: Reader) -> None:
    """A limit above a page of the log gives all of it, in the order that was asked for."""
    for newest_first in (False, True):
        (found,) = reader.lines(Command.SEARCH, limit=1100, newest_first=newest_first)
        numbers = [row[0] for row in found["events"]]
        assert numbers == sorted(numbers, reverse=newest_first)
        assert len(numbers) == 1100


def test_a_log_that_was_replaced_ends_a_stream_in_one_line(tmp_path: Path, clock: Clock) -> None:
    """The numbers of another log mean other events: the reader has to begin anew."""
    path = tmp_path / "audit.db"
    with closing(QueryProcess(path, clock=clock)) as process:
        reader = Reader(process, LogFeed(path))
        with closing(Store.open(path)) as store:
            store.record([face_seen(1), granted(1)])
            answers = reader.ask(Command.EVENTS, after=0)
            assert b"columns" in next(answers)
            assert b"granted" in next(answers)
        files.set_aside(path, datetime(2026, 5, 1, tzinfo=UTC), "damaged")
        with closing(Store.open(path)) as store:
            store.record([face_seen(1)])
            with pytest.raises(ControlError, match="this log is another one"):
                next(chunk for chunk in answers if chunk)


def test_no_process_is_started_until_somebody_asks(process: QueryProcess) -> None:
    """What nobody uses costs nothing."""
    process.look_after(1e9)
    assert process.pid() is None


def test_a_process_that_nobody_asks_is_ended(process: QueryProcess, clock: Clock) -> None:
    """A minute after its last answer it is gone; the next question starts another."""
    process.ask({"ask": "stats"})
    first = process.pid()
    assert first is not None
    process.look_after(clock.now + IDLE_S - 1)
    assert process.pid() == first
    process.look_after(clock.now + IDLE_S)
    assert process.pid() is None
    while Path(f"/proc/{first}").exists():  # until it is reaped
        process.look_after(clock.now + IDLE_S)
    process.ask({"ask": "stats"})
    assert process.pid() not in (None, first)


def in_the_middle(process: QueryProcess, then: Callable[[int], None]) -> str:
    """Ask a process that hangs, do something to it, and return what the caller is told."""
    process.ask({"ask": "stats"})
    pid = process.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(ControlError) as error:
            process.ask({"ask": "stats"})
        told.append(str(error.value))

    caller = threading.Thread(target=ask)
    caller.start()
    then(pid)
    caller.join(30)
    return told[0]


def test_a_process_that_dies_is_one_line_and_the_next_question_starts_another(
    process: QueryProcess,
) -> None:
    """Whatever killed it, the one who asked is told, and nobody else notices."""
    said = in_the_middle(process, lambda pid: os.kill(pid, signal.SIGKILL))
    assert said.startswith("the query process ended")
    assert "\n" not in said
    assert process.ask({"ask": "stats"})[1]


def test_a_question_that_takes_too_long_ends_its_process(
    process: QueryProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is one line that says what to ask for, and the next question is answered."""
    process.ask({"ask": "stats"})
    pid = process.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(query_process, "LIMIT_S", 0.05)
    with pytest.raises(ControlError, match=r"no answer within 0\.05 s; ask for less"):
        process.ask({"ask": "stats"})
    monkeypatch.undo()
    assert process.ask({"ask": "stats"})[1]


def test_an_answer_that_a_new_process_gives_up_is_one_that_took_too_long(
    process: QueryProcess,
) -> None:
    """It has more time for its start than for its answer: asking again would be no use."""

    def give_up(pid: int) -> None:
        os.kill(pid, signal.SIGALRM)
        os.kill(pid, signal.SIGCONT)

    assert "ask for less" in in_the_middle(process, give_up)
    assert process.ask({"ask": "stats"})[1]


def test_a_gate_that_stops_does_not_wait_for_an_answer(process: QueryProcess) -> None:
    """Closing ends the process in the middle of an answer; none is started any more."""
    said = in_the_middle(process, lambda pid: process.close())
    assert said.startswith("the query process ended")
    with pytest.raises(ControlError, match="the gate is stopping"):
        process.ask({"ask": "stats"})
    process.close()


def test_the_loop_does_not_wait_while_a_question_is_asked(process: QueryProcess) -> None:
    """Looking after a process that hangs in an answer returns at once, and leaves it alone."""

    def look(pid: int) -> None:
        while process._asking.acquire(blocking=False):
            process._asking.release()
        process.look_after(1e9)
        assert process.pid() == pid
        os.kill(pid, signal.SIGKILL)

    assert in_the_middle(process, look).startswith("the query process ended")


def test_the_process_gets_no_line_no_secret_and_no_client(
    process: QueryProcess, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besides the log it has its socket and the journal, and of the environment no password."""
    monkeypatch.setenv("CAMERA_PASSWORD", "hunter2")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    with (log.parent / "chip").open("w") as line:
        os.set_inheritable(line.fileno(), True)
        process.ask({"ask": "stats"})
        pid = process.pid()
        files = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    others = [file for file in files if file not in (str(log), f"{log}-wal", f"{log}-shm")]
    assert len(others) <= 3
    assert not any("chip" in file for file in others)
    assert sum(file.startswith("socket:") for file in others) <= 2  # its own, perhaps the journal's
    environ = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"hunter2" not in environ
    assert b"NOTIFY_SOCKET" not in environ


def test_no_query_is_answered_in_the_gate_s_own_process(log: Path) -> None:
    """The asking side reads the log without a database in its memory."""
    code = f"""
import sys
from pathlib import Path
from gate.service.queries import LogFeed, Queries
from gate.service.query_process import QueryProcess
process = QueryProcess(Path({str(log)!r}))
assert process.ask({{"ask": "stats"}})[1]
assert process.ask({{"ask": "events", "after": 0}})[1]
process.close()
print(*sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"sqlite3", "sqlalchemy", "gate.audit"} & set(run.stdout.split())


def test_the_gate_does_not_load_what_only_the_process_needs() -> None:
    """Statistics and exports are not in the daemon's memory, so nothing there can call them."""
    code = "import gate.service.daemon, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"gate.audit.answers", "gate.audit.stats", "gate.audit.export"}
    assert not unwanted & set(run.stdout.split())
