"""The audit log as the settings have it."""

from __future__ import annotations

from pathlib import Path

from gate import __version__
from gate.audit import Store
from gate.config import Config


def open_store(
    config: Config, path: Path | None, *, card_threshold: float, model_hash: str, mends: bool = True
) -> Store:
    """The audit log at ``path`` (None: in memory), with the origin of this run's rows.

    A damaged log is set aside, and a new one begun that says so; without ``mends`` it is refused.
    """
    return Store.open(
        path,
        mends=mends,
        gate_id=config.gate.id,
        threshold=config.rules(card_threshold).threshold,
        model_hash=model_hash,
        config_hash=config.digest(),
        version=__version__,
    )
