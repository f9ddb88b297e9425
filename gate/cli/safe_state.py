"""``smile-gate safe-state``: what the service manager calls before a start and after any end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gate.cli.common import FILE, example
from gate.errors import GateError, RelayError
from gate.hardware import lines_file
from gate.hardware.lines_file import LinesInForce
from gate.hardware.make_safe import LineResult, make_safe
from gate.system.emergency_latch import EmergencyLatch

RUNTIME, STATE = Path("/run/smile-gate"), Path("/var/lib/smile-gate")
"""The service's folders, where the service manager does not name them."""


@example("smile-gate safe-state --config /etc/smile-gate/gate.yaml")
@click.command("safe-state")
@click.option("--config", type=FILE, help="Settings of the gate, for lines nobody wrote down.")
def command(config: Path | None) -> None:
    """Put every output line into its safe position.

    A process that was killed can leave a GPIO line driven; this drives each line to safety and
    gives it back: first the lines that the last run wrote down at its start, then those of the
    settings, if they can be read. While an emergency is latched they go to their emergency
    position instead. The exit code is 1 if any line could not be made safe, or if another process,
    such as a running gate, holds it.
    """
    folders = _service_folders()
    results = _make_recorded_safe(folders)
    if config is not None:
        results += _make_configured_safe(config, folders, results)
    elif not results:
        raise GateError("no gate has written down its lines here; name its settings with --config")
    _end(results)


def _service_folders() -> list[Path]:
    found = []
    for name, usual in (("RUNTIME_DIRECTORY", RUNTIME), ("STATE_DIRECTORY", STATE)):
        said = os.environ.get(name)
        found += [Path(part) for part in said.split(":")] if said else [usual]
    return found


def _make_recorded_safe(folders: Iterable[Path]) -> list[LineResult]:
    """Drive what the first readable record says; nothing where there is none."""
    emergency = EmergencyLatch(folders).is_set()
    for folder in folders:
        try:
            recorded = lines_file.read(folder)
        except RelayError as error:
            click.echo(f"smile-gate: {error}", err=True)
            continue
        if recorded is not None:
            return _say(make_safe(recorded, emergency=emergency))
    return []


def _make_configured_safe(
    path: Path, folders: list[Path], done: list[LineResult]
) -> list[LineResult]:
    """Drive the settings' lines that are not done yet; raises only where nothing is done at all."""
    from gate.config.load import load  # half a second on a Pi: what is written down goes first
    from gate.hardware.from_config import lines_in_force, record_folders

    try:
        config = load(path)
    except Exception as error:  # no file may be so broken that the rest is not done
        if not done:
            raise _as_expected(path, error) from None
        click.echo(f"smile-gate: the settings were not used: {_as_expected(path, error)}", err=True)
        return []
    own = record_folders(config)
    results = [] if done else _make_recorded_safe(own)
    taken = {result.line.pin for result in [*done, *results]}
    wanted = lines_in_force(config)
    left = tuple(line for line in wanted.lines if line.pin not in taken)
    emergency = EmergencyLatch([*folders, *own]).is_set()
    results += _say(make_safe(LinesInForce(wanted.pin_factory, left), emergency=emergency))
    return results


def _as_expected(path: Path, error: Exception) -> GateError:
    if isinstance(error, GateError):
        return error
    return GateError(f"{path}: cannot be read as settings: {type(error).__name__}: {error}"[:300])


def _say(results: list[LineResult]) -> list[LineResult]:
    for result in results:
        click.echo(str(result), err=result.problem is not None)
    return results


def _end(results: list[LineResult]) -> None:
    failed = any(result.problem is not None for result in results)
    if any(result.kept is not None for result in results):
        sys.stdout.flush()
        os._exit(int(failed))  # Python's own end would give back what has to stay driven
    if failed:
        raise click.exceptions.Exit(1)
