"""The control socket as the settings have it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator

from gate.config import Config
from gate.errors import AnotherGate, ControlError
from gate.interfaces.control.peer import Role
from gate.interfaces.control.protocol import Answer, Request
from gate.interfaces.control.server import Server

log = logging.getLogger(__name__)


def open_server(
    config: Config,
    answer: Callable[[Request], Answer],
    read: Callable[[Request], Generator[bytes]],
) -> Server | None:
    """What operators ask through, not started; None where the settings want none.

    A socket that can't be made is told, and the gate does without. Raises `AnotherGate` where a
    live gate has it already.
    """
    control = config.control
    if control.socket is None:
        return None
    grants = {
        Role.STEER: (control.group,),
        Role.WATCH: control.viewers,
        Role.READ: control.readers,
        Role.SPEAK: control.speakers,
    }
    try:
        return Server(control.socket, grants, answer, read)
    except AnotherGate:
        raise
    except ControlError as error:  # guests can do without
        log.error("%s; the gate runs without it", error)
        return None
