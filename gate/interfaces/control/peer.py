"""The user at the other end of a local socket, and whether they may steer the gate.

Source: unix(7), ``SO_PEERCRED``: the kernel says who connected, and a client cannot forge it.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
"""``struct ucred``: process, user, group."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Process, user and group of a peer, from the kernel."""

    pid: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A person at the other end."""

    name: str
    may_steer: bool


def credentials(connection: socket.socket) -> Credentials:
    """Credentials of the peer of a connection. Raises OSError."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Credentials(*_CREDENTIALS.unpack(raw))


def judge(who: Credentials, group: str) -> Peer:
    """Name the peer; root, the gate's own user and members of ``group`` may steer.

    Membership is looked up at each request: somebody who was added need not log in anew.
    """
    try:
        name = pwd.getpwuid(who.uid).pw_name
    except KeyError:
        name = f"uid {who.uid}"
    return Peer(name, who.uid in (0, os.geteuid()) or _is_member(name, who.gid, group))


def _is_member(name: str, gid: int, group: str) -> bool:
    try:
        wanted = grp.getgrnam(group).gr_gid
    except KeyError:
        return False
    return wanted == gid or wanted in os.getgrouplist(name, gid)
