"""`smile-gate model …`: train, judge and export models; a module for each subcommand."""

from __future__ import annotations

import click

from gate.cli.common import example
from gate.cli.lazy import LazyGroup

SECTIONS = {
    "Make a model": {
        "keep-out": "choose the faces that no training may see",
        "train": "train a smile model on folders of faces, or the eye model",
        "export": "turn a trained model into the file that the gate loads",
        "evaluate": "measure a model on folders of faces",
    },
    "Make the shipped one again": {
        "opinions": "ask networks from elsewhere about the training faces",
        "compare": "train all architectures on the same faces, for a table",
        "card": "write the measured tables of a model's card",
    },
}
"""Heading → command → what it does in a few words."""


@example("smile-gate model train --data faces/ --out runs/first")
@click.group("model", cls=LazyGroup, package="gate.cli.model", sections=SECTIONS)
def command() -> None:
    """Train a model on your own faces, judge it, and export it for the gate.

    It needs TensorFlow; in a checkout: make .venv/train.
    """
