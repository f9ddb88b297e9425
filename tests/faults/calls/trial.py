"""One trial in a process of its own: a scenario, a wiring, a call that fails; what came of it."""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import logging
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults.calls import virtual_time
from tests.faults.calls.virtual_time import TIME

virtual_time.install()  # before what keeps a clock is imported

import gate.hardware.camera  # noqa: E402  # once, and not in each trial
import gate.interfaces.metrics.prometheus  # noqa: E402, F401  # likewise
from gate.audit import Store  # noqa: E402  # see above
from gate.core.domain import Event, EventKind, State  # noqa: E402
from gate.errors import GateError  # noqa: E402
from tests.faults.calls import targets, world  # noqa: E402
from tests.faults.calls.scenarios import play  # noqa: E402
from tests.faults.calls.targets import Failure, Targets  # noqa: E402
from tests.faults.calls.wiring import Variant  # noqa: E402
from tests.logs import judged  # noqa: E402

HUNG_S = 120.0
"""Real time after which a trial hangs."""
TAIL = 4000


@dataclass(slots=True)
class Outcome:
    """What came of a trial."""

    seen: dict[str, int] = field(default_factory=dict)
    struck: str = ""
    broken: list[str] = field(default_factory=list)
    said: str = ""
    """The end of what the gate logged."""
    virtual_s: float = 0.0


def attempt(scenario: str, variant: Variant, failure: Failure | None) -> Outcome:
    """Run a trial in a forked process, and wait for it."""
    folder = Path(tempfile.mkdtemp(prefix="calls-", dir=_memory()))
    reader, writer = os.pipe()
    gc.freeze()  # what is there is shared with the child, and stays so
    pid = os.fork()
    if pid == 0:
        gc.disable()
        os.close(reader)
        _child(folder, scenario, variant, failure, writer)
    os.close(writer)
    try:
        return _outcome(reader, pid, folder)
    finally:
        os.close(reader)
        shutil.rmtree(folder, ignore_errors=True)


def warm_up() -> None:
    """Do once what each trial would do for the first time: the library of SQL learns its tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.db"
        with Store.open(path) as store:
            store.record([Event(EventKind.GRANTED, 1.0, State.PENDING, State.GRANTED, visit=1)])
            list(store.records(newest_first=True, limit=1))
        judged(path)


def _memory() -> Path | None:
    """A folder in memory: what a card takes its time for is not what is tried here."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) else None


def _outcome(reader: int, pid: int, folder: Path) -> Outcome:
    data = b""
    answers = select.poll()
    answers.register(reader, select.POLLIN)
    while answers.poll(1000 * HUNG_S):
        piece = os.read(reader, 65536)
        if not piece:
            break
        data += piece
    else:
        os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    if data:
        return Outcome(**json.loads(data))
    trace = folder / "trace"
    said = trace.read_text() if trace.exists() else ""
    code = os.waitstatus_to_exitcode(status)
    return Outcome(broken=[f"the process ended with {code}, or hung"], said=said[-TAIL:])


def _child(
    folder: Path, scenario: str, variant: Variant, failure: Failure | None, writer: int
) -> None:
    outcome = Outcome()
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the guards' words; the gate's are kept
        faulthandler.enable(file=(folder / "trace").open("w"))
        said = io.StringIO()
        level = logging.INFO if os.environ.get("SMILE_GATE_SAID") else logging.WARNING
        logging.basicConfig(stream=said, level=level, format="%(name)s: %(message)s", force=True)
        sys.unraisablehook = lambda told: logging.warning("unraisable: %r", told.exc_value)
        _play(folder, scenario, variant, failure, outcome, writer, said)
    except BaseException as error:
        logging.exception("the trial failed")
        outcome.broken.append(f"the trial itself failed: {error!r}")
        outcome.said = said.getvalue()[-TAIL:]
    _tell(outcome, writer)


def _tell(outcome: Outcome, writer: int) -> None:
    targets.library().calls_pause(1)
    data = json.dumps(asdict(outcome)).encode()
    while data:
        data = data[os.write(writer, data) :]
    os._exit(0)


def _play(
    folder: Path,
    scenario: str,
    variant: Variant,
    failure: Failure | None,
    outcome: Outcome,
    writer: int,
    said: io.StringIO,
) -> None:
    TIME.begin()
    the_targets = Targets(failure)
    it = world.World(folder, variant, the_targets)

    def endless() -> None:
        outcome.broken += [*it.broken, "the trial never came to its end"]
        outcome.said = said.getvalue()[-TAIL:]
        _tell(outcome, writer)

    TIME.on_endless = endless

    def script() -> None:
        try:
            play(it, scenario)
        except BaseException as error:
            logging.exception("the script failed")
            it.broken.append(f"the script failed: {error!r}")
        it.over = True
        if it.daemon is not None:
            it.daemon.stop()

    people = threading.Thread(target=script, name="script", daemon=True)
    people.start()
    it.settings()
    it.install()
    it.serve()
    people.join(1.0)
    the_targets.mend()
    outcome.seen, outcome.struck = the_targets.seen, the_targets.struck
    outcome.virtual_s = TIME.now - TIME.begun
    TIME.active = False
    _judge_log(folder, it)
    outcome.broken, outcome.said = it.broken, said.getvalue()[-TAIL:]


def _judge_log(folder: Path, it: world.World) -> None:
    targets.library().calls_pause(1)
    if not (folder / "audit.db").exists():
        it.promise(False, "there is no log")
        return
    try:
        verdict = judged(folder / "audit.db")
        it.promise(verdict.whole, f"the log is not whole: {verdict.findings}")
    except GateError as error:
        it.promise(False, f"the log cannot be verified: {error}")
