"""What the settings name, looked for on this machine, for `smile-gate check`: nothing is opened."""

from __future__ import annotations

import grp
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.config import Config
from gate.config.yaml_file import Place, Tree
from gate.doctor.facts import Person, myself, person
from gate.doctor.rights import ENTER, STATE, WRITE, may
from gate.errors import ModelError
from gate.hardware.camera_names import missing
from gate.vision.classifier import Card, read_model

SOCKET_BYTES = 107
"""Most bytes of a socket's path: unix(7), ``sun_path``."""
OPEN_PORTS = 1024
"""From this port on whoever is not root may listen: ip(7)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the settings name, and that is not as it has to be."""

    line: int
    text: str
    serious: bool
    """Whether a gate with these settings can't work; else it may be otherwise later or elsewhere.
    """


def look(config: Config, tree: Tree) -> Iterator[Notice]:
    """Everything that can be seen without opening a device or the log."""
    for place, text, serious in _found(config, person("smile-gate") or myself()):
        yield Notice(tree.line(place), f"'{'.'.join(map(str, place))}' {text}", serious)


def _found(config: Config, who: Person) -> Iterator[tuple[Place, str, bool]]:
    gone = missing(config.camera.source)
    if gone is not None:
        yield ("camera", "source"), gone.text, not gone.may_come
    if config.smile.model is not None:
        yield from _model(config.smile.model)
    if config.control.socket is not None:
        length = len(os.fsencode(config.control.socket))
        if length > SOCKET_BYTES:
            said = (
                f"has {length} bytes, and a socket's path may have {SOCKET_BYTES}; choose a shorter"
                " one, such as /run/smile-gate/control.sock"
            )
            yield ("control", "socket"), said, True
        yield from _folder(("control", "socket"), config.control.socket.parent, who)
    yield from _log(config.store.path, who)
    if config.store.backup_to is not None:
        yield from _folder(("store", "backup_to"), config.store.backup_to, who)
    if config.metrics.textfile is not None:
        yield from _folder(("metrics", "textfile"), config.metrics.textfile.parent, who)
    if config.metrics.port is not None and config.metrics.port < OPEN_PORTS:
        said = f"is {config.metrics.port}: below {OPEN_PORTS} only root may listen; choose 9273"
        yield ("metrics", "port"), said, False
    yield from _groups(config)
    if config.lane.hours and not any(span.days for span in config.lane.hours):
        yield ("lane", "hours"), "has no day: the lane never opens; name days, or hours: []", False


def _model(path: Path) -> Iterator[tuple[Place, str, bool]]:
    """The model's file and card, and whether they belong together."""
    try:
        digest = hashlib.sha256(read_model(path)).hexdigest()
        card = path.with_suffix(".json")
        if Card.read(card).sha256 != digest:
            raise ModelError(
                f"{path}: its card {card.name} was written for another file; copy both from one"
                " place"
            )
    except ModelError as error:
        yield ("smile", "model"), f"can't be used: {error}", True


def _log(path: Path, who: Person) -> Iterator[tuple[Place, str, bool]]:
    place: Place = ("store", "path")
    if path.is_dir():
        yield place, f"is a folder: {path}; name the file in it, such as {path / 'audit.db'}", True
    elif path.parent != STATE:
        yield from _folder(place, path.parent, who)


def _folder(place: Place, folder: Path, who: Person) -> Iterator[tuple[Place, str, bool]]:
    """Whether the gate's user may write into a folder, or may make it; /run is systemd's."""
    if folder.is_relative_to("/run") and not folder.exists():
        return
    first = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if first.exists() and not first.is_dir():
        yield place, f"is below {first}, which is a file; choose a folder", True
    elif not may(who, first, WRITE | ENTER):
        what = "is in" if first == folder else f"needs the folder {folder} below"
        make = f"sudo install -d -o {who.name} {folder}"
        yield place, f"{what} {first}, where {who.name} may not write; {make}", False


def _groups(config: Config) -> Iterator[tuple[Place, str, bool]]:
    """Groups that are named, and that this machine does not have."""
    control, default = config.control, Config().control.group
    named = [("group", one) for one in (control.group,) if one != default]
    for role in ("viewers", "readers", "speakers"):
        named += [(role, one) for one in getattr(control, role)]
    for role, name in named:
        try:
            grp.getgrnam(name)
        except KeyError:
            said = f"names the group {name}, which is not here; sudo groupadd --system {name}"
            yield ("control", role), said, False
