"""``python -m gate.service.query_child LOG``: the process that answers questions about the log.

The gate starts it (`gate.service.query_process`). Standard input is its end of a socket pair: a
question is a line of JSON; the answer is a line of JSON, whose ``size`` says how many bytes follow.
The log is opened for reading only.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from gate.audit import Store
from gate.audit.answers import answer
from gate.errors import GateError
from gate.system.child import first_to_go

LIMIT_S = 10
"""Time for one answer, s. The gate ends a process that takes longer; this one ends itself a little
later, should the gate be gone."""
SQLITE_BYTES = 64 * 2**20
"""Most memory that SQLite may take: what runs beside the gate may not have the kernel end it."""


def main() -> None:
    """Answer until the gate closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gate, which ends this one
    with suppress(OSError):  # the service's unit forbids it: then without
        os.nice(10)
    first_to_go()
    path, store = Path(sys.argv[1]), None
    with socket.socket(fileno=0) as gate, gate.makefile("rb") as questions:
        for line in questions:
            signal.alarm(LIMIT_S + 5)
            body = b""
            try:
                if store is None:
                    store = _opened(path)
                head, body = answer(store.session, json.loads(line))
            except GateError as error:
                head = _failure(str(error), "refused")
            except Exception:
                traceback.print_exc()
                head = _failure("the question failed; see the gate's journal", "failed")
            gate.sendall(json.dumps({"ok": True, "size": len(body)} | head).encode() + b"\n" + body)
            signal.alarm(0)


def _opened(path: Path) -> Store:
    store = Store.open(path, read_only=True)
    with store.session.driver() as connection:
        connection.execute(f"PRAGMA hard_heap_limit={SQLITE_BYTES}")
    return store


def _failure(error: str, code: str) -> dict[str, Any]:
    return {"ok": False, "error": error, "code": code}


if __name__ == "__main__":
    main()
