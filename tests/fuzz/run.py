"""Runs a target on many inputs, in batches that can be repeated by their numbers."""

from __future__ import annotations

import shutil
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisWarning

from tests.fuzz.target import Target

BATCH = 2_000
"""Inputs that are made by one seed: Hypothesis keeps what it tried in memory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input for which a promise was broken: the smallest that was found in its batch."""

    target: str
    seed: int
    data: bytes
    said: str


def run_batch(target: Target, number: int, inputs: int = BATCH) -> tuple[int, Finding | None]:
    """Try so many inputs; how many it were, and what was found."""
    folder = Path(mkdtemp(prefix="smile-gate-fuzz-"))
    place = folder / "case"
    tried = 0
    broken: list[tuple[bytes, str]] = []

    @seed(number)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @given(target.inputs)
    def try_all(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            try_one(target, place, data)
        except BaseException:
            broken.append((data, traceback.format_exc(limit=-4)))
            raise

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # an input may be long
            try_all()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Hypothesis groups what it found; the last is the smallest
        data, said = broken[-1] if broken else (b"", repr(error))
        return tried, Finding(target.name, number, data, said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tried, None


def try_one(target: Target, place: Path, data: bytes) -> None:
    """Check one input in an empty folder."""
    place.mkdir()
    try:
        target.check(place, data)
    finally:
        shutil.rmtree(place)
