"""The user at the other end of a local socket, and what the settings let them do.

Source: unix(7), ``SO_PEERCRED``: the kernel says who connected, and a client cannot forge it.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

_CREDENTIALS = struct.Struct("3i")
"""``struct ucred``: process, user, group."""


class Role(StrEnum):
    """Things that a user may be let do at the socket; none of them implies another."""

    STEER = "steer"
    """Open, close, reopen, clear a fault, reload; recorded under their own name."""
    WATCH = "watch"
    """See the camera's picture."""
    READ = "read"
    """Read the log, with the names in it."""
    SPEAK = "speak"
    """Steer in the name of somebody whom they know, and the kernel does not."""


Grants = Mapping[Role, Collection[str]]
"""The groups whose members have a role."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Process, user and group of a peer, from the kernel."""

    pid: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A person or a program at the other end."""

    name: str
    roles: frozenset[Role] = frozenset()


def credentials(connection: socket.socket) -> Credentials:
    """Credentials of the peer of a connection. Raises OSError."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Credentials(*_CREDENTIALS.unpack(raw))


def identify(who: Credentials, grants: Grants) -> Peer:
    """Name the peer; root and the gate's own user have every role, others those of their groups.

    Membership is looked up at each request: somebody who was added need not log in anew.
    """
    try:
        name = pwd.getpwuid(who.uid).pw_name
    except KeyError:
        name = f"uid {who.uid}"
    if who.uid in (0, os.geteuid()):
        return Peer(name, frozenset(Role))
    groups = {who.gid, *os.getgrouplist(name, who.gid)}
    roles = (role for role, names in grants.items() if groups & set(_numbers(names)))
    return Peer(name, frozenset(roles))


def _numbers(names: Collection[str]) -> list[int]:
    """The numbers of groups; a group that the system does not have has no members."""
    numbers = []
    for name in names:
        try:
            numbers.append(grp.getgrnam(name).gr_gid)
        except KeyError:
            continue
    return numbers
