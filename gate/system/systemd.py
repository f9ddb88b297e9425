"""The service manager's notify protocol; silent where there is no service manager.

Source: sd_notify(3) and systemd.service(5), ``Type=notify`` and ``WatchdogSec=``.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Reports to systemd. Nothing here raises: a manager that does not listen stops no gate."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit = environ.get("WATCHDOG_USEC", "0")
        self.watchdog_s = int(limit) / 1e6 if mine and limit.isdigit() else 0.0
        """Silence after which the manager ends this process, in seconds; 0 for never."""
        self._status = ""

    def ready(self) -> None:
        """Report that the service is up."""
        self._send("READY=1")

    def alive(self) -> None:
        """Report that the loop works: the watchdog's time starts anew."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Send one line for ``systemctl status``; the same line is not sent twice in a row."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def reloading(self) -> None:
        """Report that a reload has begun; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that the service is stopping."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Close the socket; may be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return
