"""A status as a page: the state big, then why, then each part with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gate.core.explain import REASONS
from gate.core.text import escaped

Status = dict[str, Any]

COLOURS = {"fault": "white on red", "emergency": "white on red", "closed": "black on yellow"}
UNKNOWN = ("", "see journalctl -u smile-gate")
"""What to do about a part that only a newer gate knows."""
CLOSERS = {
    "schedule": "the opening hours",
    "key_switch": "the key switch",
    "operator": "an operator (smile-gate reopen)",
}


def view(status: Status, *, on_screen: bool = True) -> RenderableType:
    """The whole page; in a pipe the state is a plain line instead of a bar."""
    return Group(
        _banner(status) if on_screen else _plain_banner(status),
        *(Padding(Text(escaped(line), style="bold"), (0, 2)) for line in reasons(status)),
        _parts(status),
        _events(status),
    )


def _banner(status: Status) -> RenderableType:
    """The state, one letter apart from the next, on a bar as wide as the screen."""
    state = str(status["state"])
    words = "  ".join(state.replace("_", " ").upper())
    style = COLOURS.get(state, "black on green")
    text = Text(f"\n{words}\n", style=f"bold {style}", justify="center")
    text.append(f"{status['gate']}, for {duration(status['since_s'])}\n", style=style)
    return Padding(text, (0, 0, 1, 0), style=style, expand=True)


def _plain_banner(status: Status) -> Text:
    since = duration(status["since_s"])
    return Text(f"{status['state'].upper()}  {escaped(status['gate'])}, for {since}")


def reasons(status: Status) -> Iterator[str]:
    """Why the gate does not open, in the daemon's words, and what else is not as it should be."""
    why = status.get("why") or {"code": None}  # none from a gate that is older than this command
    if why.get("text"):
        yield why["text"]
    if why.get("remedy"):
        yield f"  → {why['remedy']}"
    for fault in status["faults"]:
        yield f"{fault['part']} for {duration(fault['lasted_s'])}: {fault['detail']}"
        if fault["part"] != why["code"]:
            _, remedy = REASONS.get(fault["part"], UNKNOWN)
            yield f"  → {remedy}"
    lane = status["lane"]
    if lane["closed_by"]:
        by = " and ".join(CLOSERS.get(name, name) for name in lane["closed_by"])
        said = f", {lane['who']}: {lane['why'] or 'no reason given'}" if lane["who"] else ""
        yield f"closed by {by}{said}"
    if lane["next_change"]:
        at = datetime.fromisoformat(lane["next_change"])
        yield f"the hours {'open' if lane['next_open'] else 'close'} the lane {at:%a %d.%m. %H:%M}"
    if status["state"] in ("face_present", "smiling"):
        yield f"visit {status['visit']}: {status['count']} of {status['needed']} pictures"


def _parts(status: Status) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in parts(status):
        table.add_row(name, escaped(text))
    return table


def parts(status: Status) -> Iterator[tuple[str, str]]:
    """Each part by its name, and how it is in a few words."""
    camera, work, log, watchdog = (status[it] for it in ("camera", "work", "log", "watchdog"))
    age = "no picture yet" if camera["age_s"] is None else f"newest {camera['age_s']:.1f} s ago"
    stuck = f"; {camera['stuck']} threads hang in its driver" if camera["stuck"] else ""
    problem = f"; {camera['problem']}" if camera["problem"] else ""
    yield (
        "camera",
        f"{camera['fps']:.1f} of {camera['fps_wanted']:g} pictures a second, {age},"
        f" {camera['dropped']} dropped, {camera['late']} late{stuck}{problem}",
    )
    if work["mean_ms"] is not None:
        yield "work", f"{work['mean_ms']:.0f} ms a picture, at worst {work['worst_ms']:.0f} ms"
    yield "relay", str(status["relay"] or "could not be driven: check its wiring")
    if status["inputs"]:
        yield (
            "inputs",
            ", ".join(
                f"{it['name']} {'ACTIVE' if it['active'] else 'at rest'}" for it in status["inputs"]
            ),
        )
    aside = (
        f"; the old one was damaged and is {log['set_aside']}: see smile-gate audit salvage"
        if log["set_aside"]
        else ""
    )
    waits = f"; {log['unwritten']} events wait to be written" if log["unwritten"] else ""
    yield "log", f"{log['path']}, event {log['sequence']}{waits}{aside}"
    if watchdog["limit_s"]:
        margin = watchdog["margin_s"]
        left = "" if margin is None else f", {margin:.1f} s to spare"
        yield "watchdog", f"{watchdog['limit_s']:g} s{left}"
    yield "board", _board(status["board"])
    settings, judging = status["settings"], status["judging"]
    yield "settings", f"{settings['path'] or 'built in'} ({settings['digest'][:12]})"
    yield "model", f"{judging['model'][:12]}, threshold {judging['threshold']:g}"
    yield (
        "program",
        f"{status['version']}, process {status['pid']}, up {duration(status['uptime_s'])}",
    )


def _board(board: dict[str, Any]) -> str:
    said = []
    if board["temperature"] is not None:
        said.append(f"{board['temperature']:.0f} °C")
    for strain in board["strain"] or []:
        said.append(f"{strain.replace('_', ' ').upper()} (use a better power supply, or cool it)")
    if board["disk_free"] is not None:
        said.append(f"{board['disk_free'] / 1e9:.1f} GB free")
    if board["read_only"]:
        said.append("DISK READ-ONLY (check the card)")
    said.append("clock set" if board["clock_synchronised"] else "clock not synchronised")
    return ", ".join(said)


def _events(status: Status) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2), title_justify="left")
    table.title = "last events"
    for event in status["events"]:
        table.add_row(f"{duration(event['ago_s'])} ago", escaped(event["text"]))
    return table


def duration(seconds: float) -> str:
    """A time in the unit that a person would use."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
