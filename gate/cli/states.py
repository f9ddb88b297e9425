"""``smile-gate states``: the transition table, as text or as a Mermaid diagram."""

from __future__ import annotations

from collections import defaultdict

import click

from gate.cli.common import example, json_option, say_json
from gate.core.domain import State
from gate.core.transitions import FRAMES, TRANSITIONS, Arc


@example("smile-gate states --mermaid > states.mmd")
@click.command("states")
@click.option("--mermaid", is_flag=True, help="Print only the Mermaid diagram.")
@click.option("--text", is_flag=True, help="Print only the table.")
@json_option
def command(mermaid: bool, text: bool, as_json: bool) -> None:
    """Print the state machine: its table and its diagram, both made from the code's own table."""
    if as_json:
        for arc in _arcs():
            say_json(
                {"state": arc.state, "trigger": arc.trigger, "if": _condition(arc)} | _rest(arc)
            )
        return
    if text or not mermaid:
        click.echo(table())
    if not text and not mermaid:
        click.echo()
    if mermaid or not text:
        click.echo(diagram())


def table() -> str:
    """Every row of the table as a line: state, signal, condition, next state, what is recorded."""
    rows = [("state", "signal", "if", "next", "recorded")]
    rows += [
        (arc.state, arc.trigger, _condition(arc) or "", arc.to, arc.records or "")
        for arc in _arcs()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def diagram() -> str:
    """The moves between states as a Mermaid state diagram; what any state does is said once."""
    lines = ["stateDiagram-v2", "    [*] --> closed"]
    seen = defaultdict(list)
    for arc in _arcs():
        counts = arc.state is State.SMILING and arc.trigger in FRAMES
        if arc.to is not arc.state or counts:
            condition = _condition(arc)
            label = f"{arc.trigger} [{condition}]" if condition else str(arc.trigger)
            seen[(label, arc.to)].append(arc.state)
    for (label, to), states in seen.items():
        if len(states) >= len(State) - 2:
            lines.append(f"    any --> {to}: {label}")
        else:
            lines += [f"    {state} --> {to}: {label}" for state in states]
    return "\n".join(lines)


def _arcs() -> list[Arc]:
    return [arc for arcs in TRANSITIONS.values() for arc in arcs]


def _condition(arc: Arc) -> str | None:
    return arc.condition.__name__.replace("_", " ") if arc.condition else None


def _rest(arc: Arc) -> dict[str, str | None]:
    return {"next": arc.to, "recorded": arc.records}
