"""``make power-cuts``: the installed service loses its power again and again.

A virtual machine with simulated lines boots, the gate opens (or an emergency is raised), and the
machine is killed together with its disk's cache. After the next boot its log and the first levels
of its line are judged. Each cut is a line in build/power-cuts/results.jsonl: a run that was stopped
goes on there.

No simulation says what a Pi's line does while it has no power: a killed machine's lines are gone,
and the new kernel's begin at their pull.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.rig import cut_guest
from tests.rig import cut_results as results_of
from tests.rig.cut_disk import FOLDER, GUEST, installed, prepare
from tests.rig.cut_results import Cut, Kind, Result, Row
from tests.rig.host import ROOT, Failed, Missing, run, say
from tests.rig.vm import Machine

FAILURES = 3
"""A machine that does not come up so often in a row ends the run."""
EXAMPLES = """\
examples:
  sudo make power-cuts                                        100 in a hold, 20 in an emergency
  sudo make power-cuts OPTIONS="--cuts 2 --emergencies 1"     a short try
  sudo make power-cuts OPTIONS="--fresh --seed 7"             begin anew, at other moments
exit codes: 0 every promise held, 1 one was broken or the run did not finish,
2 a wrong call, or it cannot be tried on this machine
"""
NOTE = (
    "Judged are the log and the first levels that a program sets after the boot. What a Pi's own"
    " line does without power is not simulated: a killed machine's lines are gone."
)


def main(words: Sequence[str] | None = None) -> int:
    """Make the cuts that are left, and print the table."""
    options = _options(words)
    file = FOLDER / "results.jsonl"
    if options.fresh:
        file.unlink(missing_ok=True)
    program, results = installed(), results_of.read(file)
    if {(result.program, result.seed) for result in results} - {(program, options.seed)}:
        print(
            f"{file.relative_to(ROOT)} is of another program or seed: --fresh begins anew",
            file=sys.stderr,
        )
        return 2
    if options.control:
        return control(program)
    wanted = results_of.schedule(options.cuts, options.emergencies)
    waiting = results_of.left(wanted, results)
    say(f"{len(waiting)} of {len(wanted)} cuts are left; seed {options.seed}")
    ended = True
    try:
        if waiting:
            ended = Cuts(file, program, options.seed).make(waiting)
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    except (Failed, KeyboardInterrupt) as error:
        ended = False
        print(error, file=sys.stderr)
    results = [result for result in results_of.read(file) if result.cut in wanted]
    print(f"\n{results_of.table(results)}\n\n{NOTE}")
    if not ended:
        print("not finished: the same call goes on", file=sys.stderr)
    return int(not ended or any(result.problems for result in results))


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make power-cuts",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cuts", type=int, default=100, help="power cuts in a hold (100)")
    parser.add_argument("--emergencies", type=int, default=20, help="… in an emergency (20)")
    parser.add_argument("--seed", type=int, default=1, help="decides the moments of the cuts (1)")
    parser.add_argument(
        "--control",
        action="store_true",
        help="one cut of a disk that ignores flushes, not counted: 0 if the loss is noticed",
    )
    parser.add_argument("--fresh", action="store_true", help="forget the results so far")
    return parser.parse_args(words)


class Cuts:
    """Makes cuts, on one machine after another."""

    def __init__(self, file: Path, program: str, seed: int, *, flushes: bool = True) -> None:
        self._file = file
        self._flushes = flushes
        self._program = program
        self._seed = seed
        self._commit = run("git", "-C", ROOT, "describe", "--always", "--dirty").strip()
        self._acknowledged: dict[int, Row] = {}
        """What must be in the log of the present machine."""

    def make(self, waiting: list[Cut]) -> bool:
        """Make the cuts; False if the machine failed too often."""
        ready, failures = prepare(self._program), 0
        while waiting and failures < FAILURES:
            try:
                self._acknowledged.clear()
                with Machine(ready=ready, processors=1, flushes=self._flushes) as machine:
                    _ask(machine, "look")
                    held = True
                    while waiting and held:
                        held, waiting = not self._made(machine, waiting[0]).problems, waiting[1:]
                        failures = 0
            except Failed as error:
                failures += 1
                say(f"not counted, with a new machine again: {error}")
        return not waiting

    def _made(self, machine: Machine, cut: Cut) -> Result:
        """Make one, judge it and note it. Raises `Failed` where it does not count."""
        if cut.kind is Kind.HOLD:
            event = int(_ask(machine, "open", cut.reason)["number"])
            self._acknowledged[event] = Row(event, "operator_granted", cut.reason)
        else:
            event = int(_ask(machine, "raise")["number"])
            self._acknowledged[event] = Row(event, "emergency")
        delay_s = cut.delay_s(self._seed)
        time.sleep(delay_s)
        machine.power_cut()
        machine.boot()
        with tempfile.TemporaryDirectory() as folder:
            seen = results_of.seen_in(_ask(machine, "look"), Path(folder))
        problems = results_of.judge(cut, self._acknowledged, event, seen)
        if not problems and cut.kind is Kind.HOLD and not results_of.in_the_hold(event, seen):
            raise Failed(f"{cut.kind} {cut.number}: the hold was over before the power went")
        result = Result(
            kind=cut.kind,
            number=cut.number,
            program=self._program,
            commit=self._commit,
            seed=self._seed,
            delay_s=round(delay_s, 3),
            event=event,
            events=len(seen.rows),
            levels=seen.levels,
            up_s=seen.up_s,
            problems=problems,
        )
        results_of.append(self._file, result)
        say(f"{cut.kind} {cut.number}: {'; '.join(problems) or 'held'}, {seen.up_s:.0f} s")
        if cut.kind is Kind.EMERGENCY and not problems:
            _ask(machine, "clear")
        return result


def _ask(machine: Machine, *words: str) -> dict[str, Any]:
    quoted = " ".join(f"'{word}'" for word in words)
    said = machine.ask(f"{GUEST} {quoted}", limit_s=cut_guest.READY_S + 60)
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def control(program: str) -> int:
    """Cut the power of a disk that lies; 0 if the loss of the record is noticed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.jsonl"
        cuts = Cuts(file, program, seed=1, flushes=False)
        try:
            cuts.make([Cut(Kind.HOLD, 1)])
        except (Missing, Failed) as error:
            print(error, file=sys.stderr)
            return 2
        problems = [text for result in results_of.read(file) for text in result.problems]
    print("\n".join(problems) or "nothing was noticed: the trial is worthless")
    return int(not any("was acknowledged" in text for text in problems))


if __name__ == "__main__":
    sys.exit(main())
