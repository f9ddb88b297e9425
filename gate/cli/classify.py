"""``smile-gate classify``: judge photos, each on its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from gate.cli import common
from gate.cli.common import FILE, config_option, example, json_option, say_json, settings
from gate.core.domain import Face, Observation
from gate.core.rules import Rules, why_not
from gate.errors import PictureError
from gate.hardware.decoding import DecodingChild
from gate.hardware.picture_files import list_pictures, read_picture, write_picture
from gate.vision.detector import smallness
from gate.vision.from_config import open_model, open_pipeline
from gate.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from gate.core.domain import Image


@dataclass(frozen=True, slots=True)
class PhotoVerdict:
    """The faces of one file; ``error`` says why it was skipped."""

    path: Path
    width: int | None = None
    height: int | None = None
    faces: tuple[Face, ...] = ()
    error: str | None = None


@example("smile-gate classify photos/ portrait.jpg --json --annotate marked/")
@click.command("classify")
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="PATH…")
@config_option
@json_option
@click.option("--annotate", type=FILE, help="Folder for copies with boxes and verdicts drawn in.")
def command(
    paths: tuple[Path, ...], config: Path | None, as_json: bool, annotate: Path | None
) -> None:
    """Judge photos of any size, and folders of them, each on its own.

    A file that can't be read is reported, the others are done, and the exit code is 1.
    """
    wanted = settings(config)
    with closing(open_model(wanted)) as smile:
        rules = wanted.rules(smile.card.threshold)
        pipeline = open_pipeline(wanted, smile)
        verdicts = []
        files = list(_files(paths))
        with (
            DecodingChild() as child,
            Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress,
        ):
            for path, root in progress.track(files, description="photos"):
                copy = annotate / path.relative_to(root) if annotate else None
                verdict = judge(path, pipeline, rules, copy, child.decode)
                verdicts.append(verdict)
                if as_json:
                    say_json(as_dict(verdict, rules))
    if not as_json:
        _print(verdicts, rules)
    if any(verdict.error for verdict in verdicts):
        sys.exit(1)


def judge(
    path: Path,
    pipeline: Pipeline,
    rules: Rules,
    copy: Path | None,
    decode: Callable[[bytes], Image],
) -> PhotoVerdict:
    """Judge one file; ``copy`` is where to write the marked picture. Never raises for the file."""
    try:
        image = read_picture(path, decode)
        seen = pipeline.examine(image)
        if copy is not None:
            from gate.replay.overlay import draw

            write_picture(copy, draw(image, seen, threshold=rules.threshold))
    except PictureError as error:
        return PhotoVerdict(path, error=str(error))
    height, width = image.shape[:2]
    return PhotoVerdict(path, width, height, seen.faces)


def qualifies(face: Face, rules: Rules) -> bool:
    """True if the face would count at the gate, were it alone there."""
    return why_not(rules, Observation(0, 0.0, (face,))) is None


def as_dict(verdict: PhotoVerdict, rules: Rules) -> dict[str, Any]:
    """The verdict as the JSON object of one line."""
    return {
        "path": str(verdict.path),
        "width": verdict.width,
        "height": verdict.height,
        "faces": [
            {
                "box": [face.box.x, face.box.y, face.box.width, face.box.height],
                "smile": None if face.smile is None else round(face.smile, 4),
                "eyes_open": face.eyes_open,
                "qualifies": qualifies(face, rules),
            }
            for face in verdict.faces
        ],
        "error": verdict.error,
    }


def _files(paths: tuple[Path, ...]) -> Iterator[tuple[Path, Path]]:
    """Every file to judge, with the folder that its copy's place is relative to."""
    for path in paths:
        if path.is_dir():
            found = list_pictures(path)
            if not found:
                raise click.ClickException(f"{path}: no pictures in this folder")
            yield from ((file, path) for file in found)
        else:
            yield path, path.parent


def _print(verdicts: list[PhotoVerdict], rules: Rules) -> None:
    table = Table("file", "size", "face", "smile", "eyes", "verdict", box=None, pad_edge=False)
    for verdict in verdicts:
        size = f"{verdict.width}×{verdict.height}" if verdict.width else ""
        if verdict.error:
            why = verdict.error.removeprefix(f"{verdict.path}: ")
            table.add_row(str(verdict.path), size, "", "", "", Text(f"skipped: {why}", "red"))
        elif not verdict.faces:
            hint = smallness(verdict.width or 0, verdict.height or 0)
            table.add_row(
                str(verdict.path), size, "", "", "", f"no face; {hint}" if hint else "no face"
            )
        for face in verdict.faces:
            box = face.box
            table.add_row(
                str(verdict.path),
                size,
                f"{box.width}×{box.height} at {box.x},{box.y}",
                "" if face.smile is None else f"{face.smile:.2f}",
                str(face.eyes_open),
                _word(face, rules),
            )
    common.console().print(table)
    faces = [face for verdict in verdicts for face in verdict.faces]
    smiling = sum((face.smile or 0) >= rules.threshold for face in faces)
    skipped = sum(verdict.error is not None for verdict in verdicts)
    click.echo(
        f"{len(verdicts)} files: {len(faces)} faces, {smiling} smiling,"
        f" {sum(qualifies(face, rules) for face in faces)} qualify, {skipped} skipped"
    )


def _word(face: Face, rules: Rules) -> Text:
    smiling = face.smile is not None and face.smile >= rules.threshold
    word = "Smile" if smiling else "Not smile"
    return Text(f"{word}, qualifies", "green") if qualifies(face, rules) else Text(word)
