"""The installed service again, on the next Debian: Python 3.13, a newer systemd; the quick tests.

The tests are those of `make check`. NumPy, OpenCV and the models' runtime are other ones there.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.rig import userland, wheels
from tests.rig.guest import Guest
from tests.rig.host import Failed
from tests.rig.nspawn import Container
from tests.rig.project import SOURCE, WHEELS, deliver
from tests.rig.service import life
from tests.rig.table import Step

PYTHON = "/opt/tests/bin/python"
QUICK = "not slow and not tensorflow"
SUITE_S = 1200
"""A safety net: the tests take a minute or two."""


def steps() -> Iterator[Step]:
    """The same steps as those of `service`, then the quick tests on a clean system."""
    yield from life(userland.TRIXIE, wheels.TRIXIE)
    yield from quick_tests()


def quick_tests() -> Iterator[Step]:
    """Install what the tests need, and run them."""
    root = userland.TRIXIE.build()
    packages = wheels.fetch(wheels.TRIXIE, "dev")
    with Container(root) as guest:
        deliver(guest.root / "srv", packages)
        yield Step("what the tests need installs, from wheels alone", lambda: _install(guest))
        yield Step("the quick tests pass on this Python", lambda: _test(guest))


def _install(guest: Guest) -> str:
    """Make the environment that `make check` makes; gives its Python."""
    guest.run("python3 -m venv /opt/tests")
    guest.run(
        f"{PYTHON} -m pip install --quiet --no-input --no-index --disable-pip-version-check"
        f" --find-links {WHEELS} --constraint {SOURCE}/constraints.txt --editable '{SOURCE}[dev]'",
        limit_s=600,
    )
    return guest.ask(f"{PYTHON} -V")


def _test(guest: Guest) -> str:
    """Run the tests; gives how many passed, and what was skipped and why."""
    said = guest.run(
        f"cd {SOURCE} && {PYTHON} -m pytest --numprocesses auto -m '{QUICK}'",
        limit_s=SUITE_S,
        check=False,
    )
    lines = said.text.splitlines()
    if said.code:
        failures = [line for line in lines if line.startswith(("FAILED", "ERROR", "E  "))]
        raise Failed("\n".join([*failures[-30:], *lines[-1:]]))
    results = next(number for number, line in enumerate(lines) if " passed" in line)
    return "; ".join(line.strip() for line in lines[results:])
