from __future__ import annotations

import os
import socket
from pathlib import Path

from gate.system.systemd import Notifier
from tests.waiting import PATIENCE_S


def listen(path: Path | str) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(path))
    receiver.settimeout(PATIENCE_S)
    return receiver


def test_messages_reach_the_manager(tmp_path: Path) -> None:
    """READY, WATCHDOG, STATUS, RELOADING and STOPPING as sd_notify(3) writes them."""
    with listen(tmp_path / "notify") as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        notifier.ready()
        notifier.alive()
        notifier.status("idle")
        notifier.status("idle")
        notifier.reloading()
        notifier.stopping()
        said = [receiver.recv(200).decode() for _ in range(5)]
        notifier.close()
        notifier.close()
    assert said[:3] == ["READY=1", "WATCHDOG=1", "STATUS=idle"]
    assert said[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert said[4] == "STOPPING=1"


def test_an_abstract_address_works() -> None:
    """Containers use addresses that begin with @."""
    name = f"smile-gate-test-{os.getpid()}"
    with listen("\0" + name) as receiver:
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name})
        notifier.ready()
        assert receiver.recv(200) == b"READY=1"
        notifier.close()


def test_nothing_is_sent_where_there_is_no_manager(tmp_path: Path) -> None:
    """Without an address, or with nobody listening, the gate goes on."""
    Notifier({}).ready()
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready()
    notifier.close()
    notifier.alive()


def test_the_watchdog_is_the_manager_s(tmp_path: Path) -> None:
    """The limit comes from the environment, and only if it is meant for this process."""
    assert Notifier({"WATCHDOG_USEC": "10000000"}).watchdog_s == 10
    mine = {"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}
    assert Notifier(mine).watchdog_s == 0.5
    assert Notifier(mine | {"WATCHDOG_PID": "1"}).watchdog_s == 0
    assert Notifier({"WATCHDOG_USEC": "soon"}).watchdog_s == 0
    assert Notifier({}).watchdog_s == 0
