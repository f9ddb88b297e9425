"""Power cuts as values: which are to be made, what a boot showed, what was promised of it.

Results are lines of JSON in a file, so that a run goes on where another stopped.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any

from gate.audit import Store
from gate.audit.verify.log import verify
from gate.errors import GateError

HELD_S = 3.0
"""The power goes so long after the acknowledgement at most, s; the hold is longer."""


class Kind(StrEnum):
    """What goes on when the power goes."""

    HOLD = "hold"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut: the number is its own within its kind."""

    kind: Kind
    number: int

    @property
    def reason(self) -> str:
        """What the operator says when they open, by which the record is known."""
        return f"power cut {self.number}"

    def delay_s(self, seed: int) -> float:
        """Time from the acknowledgement to the cut, s."""
        return random.Random(f"{seed} {self.kind} {self.number}").uniform(0, HELD_S)


@dataclass(frozen=True, slots=True)
class Row:
    """An event of the log, as far as it matters here."""

    number: int
    kind: str
    detail: str | None = None
    """In what is acknowledged: None for any."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found after a boot."""

    levels: str = ""
    """The levels that were set on the gate's line since the boot, in order."""
    level: str = ""
    """The line's level now."""
    latched: bool = False
    """Whether the card says that there is an emergency."""
    rows: tuple[Row, ...] = ()
    """The log's events."""
    damage: str | None = None
    """What is wrong with the log; None for a whole one."""
    silence: str | None = None
    """What the journal says of a service that did not become ready."""
    up_s: float = 0.0
    """Time from the kernel's start to the look, s."""


@dataclass(frozen=True, slots=True)
class Result:
    """A cut that was judged: a line of the file."""

    kind: Kind
    number: int
    program: str
    """Fingerprint of the program that was installed."""
    commit: str
    seed: int
    delay_s: float
    event: int
    """Number of the acknowledged event."""
    events: int
    """Events in the log after the boot."""
    levels: str
    up_s: float
    problems: tuple[str, ...]
    """The promises that were broken; none is good."""

    @property
    def cut(self) -> Cut:
        """Which one it was."""
        return Cut(self.kind, self.number)


def schedule(holds: int, emergencies: int) -> list[Cut]:
    """All cuts in the order in which they are made, both kinds spread evenly."""
    both = [((at + 0.5) / holds, Cut(Kind.HOLD, at + 1)) for at in range(holds)]
    both += [((at + 0.5) / emergencies, Cut(Kind.EMERGENCY, at + 1)) for at in range(emergencies)]
    return [cut for _, cut in sorted(both, key=lambda one: one[0])]


def left(wanted: Sequence[Cut], results: Iterable[Result]) -> list[Cut]:
    """The cuts that have no result yet."""
    done = {result.cut for result in results}
    return [cut for cut in wanted if cut not in done]


def append(path: Path, result: Result) -> None:
    """Add a line to the file, also after one that was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if file.tell() and not path.read_bytes().endswith(b"\n"):
            file.write(b"\n")
        file.write(json.dumps(asdict(result)).encode() + b"\n")


def read(path: Path) -> list[Result]:
    """The results in the file; a last line that was cut off is none."""
    return list(_results(path)) if path.exists() else []


def _results(path: Path) -> Iterator[Result]:
    for line in path.read_text().splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        kind, problems = Kind(found.pop("kind")), tuple(found.pop("problems"))
        yield Result(kind=kind, problems=problems, **found)


def seen_in(answer: Mapping[str, Any], folder: Path) -> Seen:
    """What the machine's answer says; its log is read and verified in the folder."""
    if not answer["ready"]:
        return Seen(silence=str(answer["journal"]))
    path = folder / "after.db"
    path.write_bytes(base64.b64decode(answer["log"]))
    rows: tuple[Row, ...] = ()
    damage = None
    try:
        with closing(Store.open(path, read_only=True)) as store:
            verdict = verify(store.session)
            damage = None if verdict.whole else verdict.findings[0].text
            rows = tuple(
                Row(record.sequence, record.event.kind, record.event.detail)
                for record in store.records()
            )
    except GateError as error:
        damage = str(error)
    return Seen(
        levels="".join(answer["levels"]),
        level=str(answer["level"]),
        latched=bool(answer["latched"]),
        rows=rows,
        damage=damage,
        up_s=float(answer["up_s"]),
    )


def in_the_hold(event: int, seen: Seen) -> bool:
    """Whether the power went before the hold was over: the log says where it ended."""
    since = [row.kind for row in seen.rows if row.number > event]
    before = since[: since.index("unclean_end")] if "unclean_end" in since else since
    return "hold_ended" not in before


def judge(cut: Cut, acknowledged: Mapping[int, Row], event: int, seen: Seen) -> tuple[str, ...]:
    """The promises that a cut broke. ``acknowledged`` are all events so far that must be there."""
    if seen.silence is not None:
        return (f"the service was not ready after the boot: {seen.silence[-300:]}",)
    return (*_of_the_log(acknowledged, event, seen), *_of_the_line(cut, seen))


def _of_the_log(acknowledged: Mapping[int, Row], event: int, seen: Seen) -> Iterator[str]:
    if seen.damage is not None:
        yield f"the log is not whole: {seen.damage}"
    there = {row.number: row for row in seen.rows}
    for number, row in acknowledged.items():
        found = there.get(number)
        if found is None or found.kind != row.kind or row.detail not in (None, found.detail):
            yield f"event {number} was acknowledged as {row}, and is {found}"
    since = [row.kind for row in seen.rows if row.number > event]
    if since.count("unclean_end") != 1 or "started" not in since[since.index("unclean_end") :]:
        yield f"no unclean end and start follow event {event}: {' '.join(since)}"


def _of_the_line(cut: Cut, seen: Seen) -> Iterator[str]:
    wanted = "1" if cut.kind is Kind.EMERGENCY else "0"
    if not seen.levels or set(seen.levels) != {wanted} or seen.level != wanted:
        yield (
            f"the line had to be {wanted} from the first on; levels set: {seen.levels or 'none'},"
            f" now {seen.level}"
        )
    if seen.latched is not (cut.kind is Kind.EMERGENCY):
        yield f"the card {'says' if seen.latched else 'does not say'} that there is an emergency"


def table(results: Sequence[Result]) -> str:
    """The results for people, in Markdown; what was broken below."""
    lines = [
        "| power lost in | cuts | promises broken in | delay after the answer | kernel to look |",
        "|---|---|---|---|---|",
    ]
    for kind in Kind:
        found = [result for result in results if result.kind is kind]
        if not found:
            lines.append(f"| {kind} | 0 | – | – | – |")
            continue
        delays = [result.delay_s for result in found]
        broken = sum(bool(result.problems) for result in found)
        ready = median(result.up_s for result in found)
        lines.append(
            f"| {kind} | {len(found)} | {broken} | {min(delays):.2f}–{max(delays):.2f} s |"
            f" {ready:.0f} s at the median |"
        )
    for result in results:
        lines += [f"BROKEN  {result.kind} {result.number}: {text}" for text in result.problems]
    return "\n".join(lines)
