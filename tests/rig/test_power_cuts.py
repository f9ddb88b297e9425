"""The run of power cuts on a machine that is a fake: `make power-cuts` has the real one."""

from __future__ import annotations

import base64
import json
import shlex
from contextlib import closing
from pathlib import Path

import pytest

from gate.audit import Store
from gate.core.domain import Event, EventKind
from tests.rig import power_cuts
from tests.rig.cut_results import Cut, Kind, append, read, schedule
from tests.rig.host import Failed
from tests.rig.test_cut_results import result

HOLDS = schedule(3, 0)


class FakeMachine:
    """A gate with a real log, that does as the machine's end of the power cuts does."""

    place: Path
    lose: frozenset[int] = frozenset()
    """The numbers of the cuts that lose all that was recorded since the last boot."""
    dead: int = 0
    """How many machines do not come up yet."""
    made: int = 0
    cuts: int = 0

    def __init__(self, **_: object) -> None:
        cls = type(self)
        cls.made += 1
        self._folder = self.place / f"disk {cls.made}"
        self._folder.mkdir()
        self._level, self._pending = "0", list[Event]()
        self._record(Event(EventKind.STARTED, 1.0))
        self._commit()

    def ask(self, command: str, *, limit_s: float) -> str:
        _, action, *words = shlex.split(command)
        if type(self).dead:
            type(self).dead -= 1
            raise Failed("the machine did not answer")
        if action == "look":
            return json.dumps(self._look())
        kind = {"open": EventKind.OPERATOR_GRANTED, "raise": EventKind.EMERGENCY}.get(action)
        self._level = "1" if action == "raise" else "0"
        if kind is not None:
            self._record(Event(kind, 1.0, who="root", detail=words[0] if words else None))
        with closing(Store.open(self._log)) as store:
            newest = next(store.records(newest_first=True, limit=1)).sequence
        return json.dumps({"number": newest + len(self._pending)})

    def power_cut(self) -> None:
        type(self).cuts += 1
        if type(self).cuts in self.lose:
            self._pending.clear()

    def boot(self) -> None:
        self._record(Event(EventKind.UNCLEAN_END, 1.0))
        self._record(Event(EventKind.STARTED, 1.0))
        self._commit()

    @property
    def _log(self) -> Path:
        return self._folder / "audit.db"

    def _record(self, event: Event) -> None:
        self._pending.append(event)

    def _commit(self) -> None:
        with closing(Store.open(self._log)) as store:
            store.record(self._pending)
        self._pending.clear()

    def _look(self) -> dict[str, object]:
        return {
            "ready": True,
            "levels": [self._level, self._level],
            "level": self._level,
            "latched": self._level == "1",
            "up_s": 30.0,
            "log": base64.b64encode(self._log.read_bytes()).decode(),
        }

    def __enter__(self) -> FakeMachine:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeMachine]:
    class Machine(FakeMachine):
        place = tmp_path

    monkeypatch.setattr(power_cuts, "Machine", Machine)
    monkeypatch.setattr(power_cuts, "prepare", lambda program: tmp_path)
    monkeypatch.setattr("tests.rig.power_cuts.time.sleep", lambda seconds: None)
    monkeypatch.setattr(power_cuts, "FOLDER", tmp_path)
    monkeypatch.setattr(power_cuts, "installed", lambda: "0f0f")
    return Machine


def test_every_cut_is_made_and_noted_once(machine: type[FakeMachine], tmp_path: Path) -> None:
    """Both kinds on one machine, each result in the file, and the exit code says that all held."""
    assert power_cuts.main(["--cuts", "5", "--emergencies", "2"]) == 0
    results = read(tmp_path / "results.jsonl")
    assert [one.cut for one in results] == schedule(5, 2)
    assert (machine.made, machine.cuts) == (1, 7)


def test_a_run_that_was_stopped_makes_only_the_rest(
    machine: type[FakeMachine], tmp_path: Path
) -> None:
    """What has a result is not made again, unless the run begins anew."""
    append(tmp_path / "results.jsonl", result(Cut(Kind.HOLD, 1)))
    assert power_cuts.main(["--cuts", "3", "--emergencies", "0"]) == 0
    assert machine.cuts == 2
    assert power_cuts.main(["--cuts", "3", "--emergencies", "0", "--fresh"]) == 0
    assert machine.cuts == 5


def test_a_broken_promise_is_noted_once_and_the_rest_is_made(
    machine: type[FakeMachine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next cut has a new disk, and the exit code is 1."""
    machine.lose = frozenset({2})
    assert power_cuts.main(["--cuts", "3", "--emergencies", "0"]) == 1
    results = read(tmp_path / "results.jsonl")
    assert [one.cut for one in results] == HOLDS
    assert [bool(one.problems) for one in results] == [False, True, False]
    assert (machine.made, machine.cuts) == (2, 3)
    assert "BROKEN  hold 2: event" in capsys.readouterr().out


@pytest.mark.parametrize(("dead", "code", "made"), [(2, 0, 3), (3, 1, 0)])
def test_a_machine_that_does_not_come_up_is_no_broken_promise(
    machine: type[FakeMachine], tmp_path: Path, dead: int, code: int, made: int
) -> None:
    """Another one is tried; one that fails again and again leaves the run unfinished."""
    machine.dead = dead
    assert power_cuts.main(["--cuts", "3", "--emergencies", "0"]) == code
    assert len(read(tmp_path / "results.jsonl")) == made


@pytest.mark.parametrize(("lost", "code"), [(frozenset({1}), 0), (frozenset(), 1)])
def test_the_control_must_be_noticed(
    machine: type[FakeMachine], tmp_path: Path, lost: frozenset[int], code: int
) -> None:
    """A disk that lies has to be found out; the results of the run stay as they are."""
    machine.lose = lost
    assert power_cuts.main(["--control"]) == code
    assert read(tmp_path / "results.jsonl") == []
