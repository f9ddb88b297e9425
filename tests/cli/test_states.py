"""`smile-gate states`: the transition table as people and programs read it."""

from __future__ import annotations

from tests.cli.calls import call, objects


def test_states_are_printed_from_the_table() -> None:
    """As a table, as a diagram, as JSON."""
    table = call("states", "--text").stdout
    assert "smiling" in table
    assert "missed too many" in table
    diagram = call("states", "--mermaid").stdout
    assert diagram.startswith("stateDiagram-v2")
    assert "smiling --> pending: qualifying [last frame]" in diagram
    arcs = objects(call("states", "--json"))
    assert {"state": "granted", "trigger": "passed", "if": None} | {
        "next": "rearming",
        "recorded": "passed",
    } in arcs
