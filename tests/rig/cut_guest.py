"""The machine's end of the power cuts: run there by the system's Python, it answers in JSON.

``cut_guest.py look|open REASON|raise|clear``
"""

from __future__ import annotations

import base64
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

RELAY, EMERGENCY = 17, 4
"""As in `tests.rig.lines`, which is not on that machine."""
LOG = Path("/var/lib/smile-gate/audit.db")
LATCH = LOG.with_name("emergency.json")
SOCKET = "/run/smile-gate/control.sock"
CONFIGFS = Path("/sys/kernel/config/gpio-sim/pi")
READY_S, WAIT_S = 600.0, 120.0
LATCHED_S = 1.0
"""A file's name is there a moment before it is sure to stay."""


def ask(command: str, **fields: str) -> dict[str, Any]:
    """Ask the gate. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as gate:
        gate.settimeout(30)
        gate.connect(SOCKET)
        gate.sendall(json.dumps({"command": command} | fields).encode() + b"\n")
        with gate.makefile("rb") as answer:
            said: dict[str, Any] = json.loads(answer.readline() or b"{}")
    return said


def until(what: str, good: Callable[[], Any], limit_s: float = WAIT_S) -> Any:
    """Wait until it is so, and give the value."""
    end = time.monotonic() + limit_s
    while True:
        with suppress(OSError):
            if found := good():
                return found
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {limit_s:g} s")
        time.sleep(0.05)


def chip() -> tuple[Path, int]:
    """The lines' folder in /sys, and the number of the first in the kernel's trace."""
    name = (CONFIGFS / "bank/chip_name").read_text().strip()
    listed = Path("/sys/kernel/debug/gpio").read_text()
    first = re.search(rf"{name}: GPIOs (\d+)-", listed)
    assert first is not None, listed
    device = (CONFIGFS / "dev_name").read_text().strip()
    return Path("/sys/devices/platform", device, name), int(first[1])


def level(line: int = RELAY) -> str:
    """What a board at the line sees."""
    return (chip()[0] / f"sim_gpio{line}/value").read_text().strip()


def newest(kind: str) -> int:
    """The number of the newest event of a kind; 0 for none."""
    asked = "select max(sequence) from event join what on what.id = event.what where kind = ?"
    with closing(sqlite3.connect(f"file:{LOG}?mode=ro", uri=True)) as log:
        return log.execute(asked, [kind]).fetchone()[0] or 0


def copy() -> bytes:
    """The log as a file of its own, taken beside the running gate."""
    target = Path("/run/cut.db")
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"file:{LOG}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")
    return target.read_bytes()


def look() -> dict[str, Any]:
    """How it is after a boot: wait for the gate, then the line since the boot, and the log."""
    try:
        status = until("ready", lambda: ask("status"), READY_S)
    except SystemExit:
        words = ("journalctl", "-u", "smile-gate", "-o", "cat", "--no-pager", "-n", "20")
        journal = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        return {"ready": False, "journal": journal[-1500:]}
    number = chip()[1] + RELAY
    trace = Path("/sys/kernel/tracing/trace").read_text()
    return {
        "ready": True,
        "up_s": float(Path("/proc/uptime").read_text().split()[0]),
        "levels": re.findall(rf"gpio_value: {number} set (\d)", trace),
        "level": level(),
        "latched": LATCH.exists(),
        "state": status.get("state"),
        "log": base64.b64encode(copy()).decode(),
    }


def open_it(reason: str) -> dict[str, Any]:
    """Have an operator open; the gate says that it did once that is in the log."""
    until("opened", lambda: ask("open", reason=reason).get("ok"))
    until("open", lambda: level() == "1", 1.0)
    return {"number": newest("operator_granted")}


def raise_it() -> dict[str, Any]:
    """Open the emergency contact, and wait for the relay, the record and the latch."""
    before = newest("emergency")
    (chip()[0] / f"sim_gpio{EMERGENCY}/pull").write_text("pull-down")
    until("the emergency's position", lambda: level() == "1")
    until("the record", lambda: newest("emergency") > before)
    until("the latch", LATCH.exists)
    time.sleep(LATCHED_S)
    return {"number": newest("emergency")}


def clear() -> dict[str, Any]:
    """Put the contact at rest, and end the emergency as an operator does."""
    (chip()[0] / f"sim_gpio{EMERGENCY}/pull").write_text("pull-up")
    until("cleared", lambda: ask("clear-fault").get("ok"))
    until("shut", lambda: level() == "0")
    until("the latch's end", lambda: not LATCH.exists())
    return {}


if __name__ == "__main__":
    _does: dict[str, Callable[..., dict[str, Any]]] = {
        "look": look,
        "open": open_it,
        "raise": raise_it,
        "clear": clear,
    }
    print(json.dumps(_does[sys.argv[1]](*sys.argv[2:])))
