"""Tests of the service: installed, enabled, running; and of the running gate by its status."""

from __future__ import annotations

from collections.abc import Iterator

from gate.doctor.facts import Patient
from gate.doctor.finding import Finding, fail, ok, skipped, warn

JOURNAL = "journalctl -u smile-gate -b -n 50"

RESULTS = {
    "watchdog": "the loop hung and systemd ended it",
    "exit-code": "it ended with an error",
    "signal": "a signal ended it",
    "core-dump": "it crashed",
    "timeout": "it did not get ready, or did not stop, in time",
    "oom-kill": "it ran out of memory",
    "start-limit-hit": "it failed too often: systemd no longer tries",
    "resources": "systemd could not give it what its unit asks for",
}
"""``Result=`` of a service that failed (systemd.exec(5), systemd.service(5))."""

PARTS = {
    "fault_camera": "check its cable and power; then see the row 'camera'",
    "fault_model": "see the row 'model'; smile-gate audit list --event fault",
    "fault_store": "see the rows 'log' and 'disk'",
    "fault_relay": "check its wiring; stop the gate and see the row 'gpio'",
    "fault_guard": f"see {JOURNAL} and the row 'resources': it needs a process and 10 MB",
    "fault_inputs": "check the wiring of the input it names; then see the row 'inputs'",
    "fault_settings": "see the row 'settings'; mend the file, then smile-gate reload",
    "fault_crash_loop": f"see why it ended: {JOURNAL}; then smile-gate clear-fault",
}
"""Advice for each part that the running gate reports at fault."""


def unit(patient: Patient) -> Iterator[Finding]:
    """Findings from the service manager."""
    known = patient.unit
    if known is None:
        yield skipped("no systemd here")
        return
    if not patient.installed:
        yield warn("smile-gate.service is not installed", "sudo ./systemd/install.sh")
        return
    troubles = [*_failed(patient)]
    if known.get("NeedDaemonReload") == "yes":
        troubles.append(warn("its unit file was changed on disk", "sudo systemctl daemon-reload"))
    if known.get("UnitFileState") == "disabled":
        troubles.append(warn("it does not start with the Pi", "sudo systemctl enable smile-gate"))
    yield from troubles
    if not troubles:
        yield ok(f"installed, {known.get('UnitFileState')}, {known.get('ActiveState')}")


def _failed(patient: Patient) -> Iterator[Finding]:
    known = patient.unit or {}
    state, result = known.get("ActiveState"), known.get("Result", "")
    times = known.get("NRestarts", "0")
    restarts = int(times) if times.isdigit() else 0
    why = RESULTS.get(result, "the journal says why")
    if state == "failed":
        again = "sudo systemctl reset-failed smile-gate; sudo systemctl start smile-gate"
        yield fail(f"it failed: {why}", f"{JOURNAL}; then {again}")
    elif state == "activating" and (restarts or known.get("SubState") == "auto-restart"):
        yield fail(f"it ends and is started again, {restarts} times until now: {why}", JOURNAL)
    elif state == "inactive":
        yield warn(
            "it is stopped: the gate is in its safe position", "sudo systemctl start smile-gate"
        )
    elif restarts:
        yield warn(f"systemd had to start it again, {restarts} times", f"{JOURNAL} says why")


def gate(patient: Patient) -> Iterator[Finding]:
    """Findings from the status of the running gate."""
    status = patient.status
    if status is None:
        if patient.silent is not None:
            yield fail(patient.silent, f"{JOURNAL}; then sudo systemctl restart smile-gate")
        elif (patient.unit or {}).get("ActiveState") in ("activating", "deactivating"):
            yield skipped("it is starting or stopping; ask again in a moment")
        elif patient.running:
            yield warn(
                "it runs, but not at the control socket of these settings",
                "run smile-gate doctor --config with the file of the service",
            )
        else:
            yield skipped("no gate runs here")
        return
    for fault in status["faults"]:
        part = fault["part"]
        yield fail(
            f"{part.removeprefix('fault_').replace('_', ' ')} at fault for"
            f" {fault['lasted_s']:.0f} s: {fault['detail']}",
            PARTS.get(part, JOURNAL),
        )
    if status["state"] == "emergency":
        yield fail(
            "it is in an emergency",
            "release the contact; then turn the key switch off and on, or: smile-gate clear-fault",
        )
    log = status["log"]
    if log["unwritten"]:
        yield warn(
            f"{log['unwritten']} events wait to be written to the log",
            "see the rows 'log' and 'disk'",
        )
    if log["set_aside"]:
        yield warn(
            f"its log was damaged and set aside as {log['set_aside']}", "smile-gate audit salvage"
        )
    if status["well"]:
        yield ok(f"{status['state']}, version {status['version']}, up {status['uptime_s']:.0f} s")
