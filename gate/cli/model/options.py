"""Options that several of the training commands share: which faces, which of them."""

from __future__ import annotations

from pathlib import Path

import click

folders = click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    required=True,
    help="Folder with smiling/ and not_smiling/; may be given several times.",
)
crops = click.option(
    "--crops",
    type=click.Choice(["auto", "photo", "haar", "tight"]),
    default="auto",
    show_default=True,
    help="What the pictures show: photo, the face is found first; haar, it is the whole picture's "
    "Haar box; tight, it was cut closer; auto, that is measured.",
)
kept_out = click.option(
    "--kept-out",
    "lists",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="List of CLASS/FILE names kept out of all training, for the set that has them.",
)
kept_out_share = click.option(
    "--kept-out-share",
    type=click.FloatRange(0.0, 1.0),
    default=0.2,
    show_default=True,
    help="Share kept out, by a rule on the file name, of each set that no list names.",
)
threads = click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
seed = click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
