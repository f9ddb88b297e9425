"""Wheels for a Python that is not this one, fetched by this machine's pip with its own settings.

``pip download`` judges environment markers by the interpreter that it runs in, so what the other
Python needs is worked out here, from the wheels' own metadata and the versions in constraints.txt.
"""

from __future__ import annotations

import configparser
import email
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.rig.host import CACHE, ROOT, Failed, run, say

BUILD = ("setuptools >=69",)
"""What pip needs besides, to make a wheel of the checkout (pyproject.toml)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python on a machine: Debian's of a release, by its version, processor and C library."""

    python: str
    machine: str
    glibc: int
    """The minor version: 36 is glibc 2.36 (Bookworm), 41 is 2.41 (Trixie)."""

    @property
    def folder(self) -> Path:
        """Where its wheels are kept."""
        return CACHE / f"wheels-{self.python}-{self.machine}"

    @property
    def environment(self) -> dict[str, str]:
        """What environment markers see there (PyPA: dependency specifiers)."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    def applies(self, needed: Requirement, extra: str = "") -> bool:
        """Whether a requirement counts there."""
        marker = needed.marker
        return marker is None or marker.evaluate({**self.environment, "extra": extra})

    def platforms(self) -> Iterator[str]:
        """The tags of wheels that run there, newest first (PEP 600)."""
        for minor in range(self.glibc, 16, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
        yield f"manylinux2014_{self.machine}"
        yield f"linux_{self.machine}"


BOOKWORM = Target("3.11", "x86_64", 36)
TRIXIE = Target("3.13", "x86_64", 41)
ARM64 = {"bookworm": Target("3.11", "aarch64", 36), "trixie": Target("3.13", "aarch64", 41)}


def wanted(*extras: str) -> list[Requirement]:
    """What setup.cfg asks for: the program's requirements, those of some extras, the build's."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lists = [setup["options"]["install_requires"]]
    lists += [setup["options.extras_require"][extra] for extra in extras]
    lines = [line for text in lists for line in text.splitlines() if line.strip()]
    found = [Requirement(line) for line in (*lines, *BUILD)]
    own = [needed for needed in found if needed.name == setup["metadata"]["name"]]
    found = [needed for needed in found if needed not in own]
    for needed in own:  # an extra that is made of others
        found += wanted(*needed.extras)
    return found


def pins(target: Target) -> dict[str, str]:
    """The versions of constraints.txt that hold for a target, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    known = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in known
        if target.applies(pin)
    }


def fetch(target: Target, *extras: str) -> Path:
    """Fetch all wheels that the program needs on a target; gives their folder. Raises `Failed`."""
    folder = target.folder
    folder.mkdir(parents=True, exist_ok=True)
    versions = pins(target)
    waiting = [needed for needed in wanted(*extras) if target.applies(needed)]
    done: set[str] = set()
    while waiting:
        names: dict[str, str] = {}
        for needed in waiting:
            name = canonicalize_name(needed.name)
            if name not in done:
                done.add(name)
                pin = versions.get(name)
                names[name] = f"{name}=={pin}" if pin else f"{name}{needed.specifier}"
        absent = [spec for name, spec in names.items() if _wheel(folder, name, versions) is None]
        if absent:
            _download(target, absent)
        waiting = [
            needed
            for name in names
            for needed in _requires(_wheel(folder, name, versions), name)
            if target.applies(needed)
        ]
    return folder


def _download(target: Target, specs: Iterable[str]) -> None:
    specs = sorted(specs)
    say(f"wheels for Python {target.python} on {target.machine}: {' '.join(specs)}")
    abi = f"cp{target.python.replace('.', '')}"
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--dest", target.folder, "--python-version", target.python, "--implementation", "cp"),
        *("--abi", abi, "--abi", "abi3", "--abi", "none"),
        *(word for tag in target.platforms() for word in ("--platform", tag)),
        *specs,
    )


def _wheel(folder: Path, name: str, versions: dict[str, str]) -> Path | None:
    """The wheel of a package in the folder: of its pinned version, else the newest."""
    found = []
    for path in folder.glob("*.whl"):
        package, version = path.name.split("-")[:2]
        if canonicalize_name(package) == name and versions.get(name, version) == version:
            found.append((Version(version), path))
    return max(found)[1] if found else None


def _requires(wheel: Path | None, name: str) -> list[Requirement]:
    if wheel is None:
        raise Failed(f"pip fetched no wheel of {name}")
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        message = email.message_from_bytes(archive.read(metadata))
    return [Requirement(line) for line in message.get_all("Requires-Dist") or []]
