"""Dashboard, alert rules and their page: each name in them is one that the gate really exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cli import SECTIONS
from gate.config import Config
from gate.core.domain import EventKind, Reason, State
from gate.hardware.board import Board, Strain
from gate.interfaces.metrics.meter import FrameOutcome, LoopTurn
from gate.interfaces.metrics.prometheus import STAGES, PrometheusMeter

ROOT = Path(__file__).parent.parent
ALERTS = ROOT / "config" / "monitoring" / "alerts.yaml"
DASHBOARD = json.loads((ROOT / "config" / "monitoring" / "dashboard.json").read_text())
PAGE = (ROOT / "docs" / "monitoring.md").read_text()

BOARD = Board(
    **{field.name: 1 for field in fields(Board)}  # type: ignore[arg-type]  # each has a value
    | {"strain": frozenset(Strain), "strain_before": frozenset()}
)
LABELS: dict[str, set[str]] = {
    "event": set(EventKind),
    "reason": set(Reason),
    "state": set(State),
    "part": {reason for reason in Reason if reason.startswith("fault_")},
    "outcome": set(FrameOutcome),
    "stage": set(STAGES),
    "strain": set(map(str, Strain)),
}
"""A label → the values that it can have."""


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """The names of all samples of a gate that has everything."""
    metrics = PrometheusMeter(
        build={"version": "1", "gate": "a"},
        model="b",
        watchdog_s=10,
        fps_wanted=15,
        board=lambda: BOARD,
    )
    with closing(metrics):
        metrics.record_turn(LoopTurn(0.0, State.IDLE, True, frozenset(), 0.0, 0, pinged_at=0.0))
        families = list(metrics.registry.collect())
    return {sample.name for family in families for sample in family.samples}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries() -> Iterator[str]:
    """Every expression of the dashboard and of the rules."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (variable["query"] for variable in DASHBOARD["templating"]["list"])
    yield from (rule["expr"] for rule in rules())


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_asks_for_what_there_is(query: str, exported: set[str]) -> None:
    """Metrics, and the values of their labels, are the gate's own."""
    for name in re.findall(r"smile_gate_\w+", query):
        assert name in exported
    for label, values in re.findall(r'(\w+)=~?"([^"]*)"', query):
        if label in LABELS:
            assert set(values.split("|")) <= LABELS[label], label


def test_every_metric_is_explained(exported: set[str]) -> None:
    """The page names each metric of the gate, and no other."""
    endings = re.compile(r"_(bucket|count|sum)$")
    families = {endings.sub("", name) for name in exported}
    table = PAGE.partition("### What there is")[2]
    named = set(re.findall(r"`(smile_gate_\w+)`", table))
    assert named <= families
    assert {name for name in families if not name.startswith("smile_gate_process_")} <= named


def test_every_alert_says_how_urgent_and_what_to_do() -> None:
    """Who is woken up knows what to do, and its commands exist."""
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "do"}
        for command in re.findall(r"smile-gate ([a-z][a-z-]*)", rule["annotations"]["do"]):
            assert any(command in names for names in SECTIONS.values()), command


def test_every_panel_has_a_title_and_a_place_of_its_own() -> None:
    """Grafana shows them side by side, none over another."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells
        assert at["x"] + at["w"] <= 24
        taken |= cells
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identities) == len(set(identities))


def test_the_settings_of_the_page_exist() -> None:
    """Its YAML and its `section.setting` are the file's."""
    for section, name in re.findall(r"`(\w+)\.(\w+)[`:]", PAGE):
        if section != "prometheus":
            assert name in type(getattr(Config(), section)).model_fields, f"{section}.{name}"
    for block in re.findall(r"```yaml\n(metrics:.*?)```", PAGE, re.DOTALL):
        for name in yaml.safe_load(block)["metrics"]:
            assert name in type(Config().metrics).model_fields


def test_the_commands_of_the_page_are_known() -> None:
    """Each is a tool of the system, with a unit, files and fields that there are."""
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(lines) >= 10
    tools = {"journalctl", "systemctl", "curl", "cat", "install", "promtool", "pip"}
    for line in lines:
        tool = line.removeprefix("sudo ").split()[0].rpartition("/")[2]
        assert tool in tools, line
        for field, value in re.findall(r"\b(EVENT|VISIT)=(\w+)", line):
            assert field == "VISIT" or value in set(EventKind)
        for file in re.findall(r"\bconfig/[\w./]+", line):
            assert (ROOT / file).is_file()


def test_the_links_of_the_page_lead_somewhere() -> None:
    """Dashboard and rules are where it says."""
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).resolve().is_file(), target


def promtool(*words: str | Path) -> str:
    """What promtool says; the test is skipped where there is none (Debian: prometheus)."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    run = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_prometheus_takes_the_rules() -> None:
    """Their expressions parse."""
    assert f"{len(rules())} rules found" in promtool("check", "rules", ALERTS)


GATE = 'instance="pi", job="smile-gate"'
TRIALS = {
    "SmileGateFault": ({f'smile_gate_fault{{part="fault_camera", {GATE}}}': "1x10"}, "1m"),
    "SmileGateEmergency": ({f'smile_gate_state{{state="emergency", {GATE}}}': "0x2 1x9"}, "4m"),
    "SmileGateNoPictures": ({f"smile_gate_newest_frame_age_seconds{{{GATE}}}": "0+60x10"}, "3m"),
    "SmileGateTooSlow": (
        {
            f'smile_gate_frames_total{{outcome="judged", {GATE}}}': "0+120x60",
            f'smile_gate_frames_total{{outcome="resting", {GATE}}}': "0+120x60",
            f"smile_gate_camera_fps_wanted{{{GATE}}}": "15x60",
        },
        "30m",
    ),
    "SmileGateWatchdogClose": (
        {
            f"smile_gate_watchdog_margin_seconds{{{GATE}}}": "9 9 2x9",
            f"smile_gate_watchdog_limit_seconds{{{GATE}}}": "10x10",
        },
        "3m",
    ),
    "SmileGateRefusesMany": (
        {
            f'smile_gate_events_total{{event="visit_left", reason="too_dark", {GATE}}}': (
                "0+0x1440 0+1x60"
            )
        },
        "1480m",
    ),
    "SmileGateRestarts": (
        {
            f"smile_gate_process_start_time_seconds{{{GATE}}}": "100 100 200 200 300 300 300 300",
            f"smile_gate_unclean_start{{{GATE}}}": "0 0 1 1 1 1 1 1",
        },
        "7m",
    ),
    "SmileGateDown": ({f"up{{{GATE}}}": "1 0x9"}, "5m"),
}
"""An alert → a story, one value a minute, and when it must have been raised."""


@pytest.mark.parametrize("alert", TRIALS)
def test_an_alert_is_raised_by_its_story(alert: str, tmp_path: Path) -> None:
    """Prometheus' own evaluation raises it, exactly once; the same story begins without it."""
    series, at = TRIALS[alert]
    shutil.copy(ALERTS, tmp_path / "alerts.yaml")
    trial = {
        "rule_files": ["alerts.yaml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
                        "eval_time": moment,
                        "exp_samples": samples,
                    }
                    for moment, samples in [("0s", []), (at, [{"labels": "{}", "value": 1}])]
                ],
            }
        ],
    }
    file = tmp_path / "trial.yaml"
    file.write_text(yaml.safe_dump(trial))
    promtool("test", "rules", file)
