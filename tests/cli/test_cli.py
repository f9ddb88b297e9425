"""The commands as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from gate.cli import COMMANDS, group
from gate.hardware.camera import open_source
from gate.replay import demo_clip

WriteConfig = Callable[..., Path]


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], catch_exceptions=False)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(command: str) -> None:
    """`smile-gate COMMAND --help` shows how it is called."""
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"smile-gate {command}" in result.output.partition("Example")[2]


def test_an_unknown_command_is_refused() -> None:
    """A typing error is a usage error, not a traceback."""
    assert call("clasify").exit_code == 2


def test_replay_tells_each_event_and_the_summary(write_config: WriteConfig, clip: Path) -> None:
    """One JSON object a line: the events with frame and time, then the summary; nothing else."""
    result = call("replay", clip, "--config", write_config(), "--json")
    assert result.exit_code == 0
    *events, last = objects(result)
    (granted,) = [event for event in events if event["event"] == "granted"]
    assert granted["t"] == pytest.approx(granted["frame"] / demo_clip.FPS, abs=0.001)
    assert granted["reason"] == "smile_held"
    summary = last["summary"]
    assert summary["grants"] == 1
    assert summary["denials"] == {"eyes_closed": 1}
    assert summary["frames"] == sum(1 for _ in demo_clip.render())
    assert set(summary["ms_per_frame"]) == {"mean", "p50", "p99"}
    assert [event["frame"] for event in events] == sorted(event["frame"] for event in events)


def test_replay_grants_while_the_guest_smiles(write_config: WriteConfig, clip: Path) -> None:
    """The grant comes within the scene of the smile, not before the mask is off."""
    ends = np.cumsum([scene.seconds for scene in demo_clip.SCENES])
    names = [scene.name for scene in demo_clip.SCENES]
    begin = ends[names.index("guest smiles") - 1]
    end = ends[names.index("guest smiles")]
    events = objects(call("replay", clip, "--config", write_config(), "--json"))
    (at,) = [event["t"] for event in events if event.get("event") == "granted"]
    assert begin < at <= end


def test_replay_keeps_its_log_where_it_is_told_to(clip: Path, tmp_path: Path) -> None:
    """With --database the audit commands can be tried on a recording; else nothing is left."""
    database = tmp_path / "replay.db"
    assert (
        call("replay", clip, "--database", database, "--plot", tmp_path / "it.png").exit_code == 0
    )
    listed = objects(call("audit", "list", "--database", database, "--json"))
    assert "granted" in [record["event"] for record in listed]
    assert (tmp_path / "it.png").stat().st_size > 10_000
    assert "granted" in call("replay", clip).output


def test_replay_leaves_a_file_alone_that_is_no_log(clip: Path, tmp_path: Path) -> None:
    """A wrong --database is refused, and the file stays as it is and where it is."""
    other = tmp_path / "letter.txt"
    other.write_text("not a database, but somebody's")
    result = call("replay", clip, "--database", other, "--json")
    assert result.exit_code == 1
    assert "it is no database" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    assert other.read_text().startswith("not a database")


def test_replay_writes_the_clip_with_what_was_seen(clip: Path, tmp_path: Path) -> None:
    """--annotate gives a video of the same length and size, with the verdicts drawn in."""
    marked = tmp_path / "marked.mp4"
    assert call("replay", clip, "--annotate", marked, "--json").exit_code == 0
    before, after = open_source(str(clip)), open_source(str(marked))
    assert after.count == before.count
    changed = 0
    for _ in range(before.count or 0):
        one, other = before.read(), after.read()
        assert one.shape == other.shape
        changed += int(np.abs(one.astype(int) - other).max() > 100)
    assert changed > 20
    assert call("replay", clip, "--annotate", tmp_path / "marked.txt").exit_code == 1


def test_replay_of_a_folder_of_pictures(tmp_path: Path) -> None:
    """A folder is a clip too, in the order of the numbers in the names."""
    for number, frame in enumerate(demo_clip.render()):
        if number >= 52:
            break
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    *_, last = objects(call("replay", tmp_path, "--json"))
    assert last["summary"]["frames"] == 52
    assert last["summary"]["grants"] == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.mp4", None, "no such video file"),
        ("text.mp4", b"this is not a video", "not a video"),
        ("empty", "folder", "no pictures in this folder"),
    ],
)
def test_a_clip_that_is_none_is_one_line(
    tmp_path: Path, name: str, content: bytes | str | None, says: str
) -> None:
    """Exit code 1 and what is wrong."""
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    result = call("replay", path, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert says in line


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder as people have them: photos of all sizes, and files that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    astronaut = demo_clip.photo()
    cv2.imwrite(str(folder / "smile.jpg"), astronaut)
    large = np.full((4000, 6000, 3), 120, np.uint8)
    large[1000:3048, 2000:4048] = cv2.resize(astronaut, (2048, 2048))
    cv2.imwrite(str(folder / "large.jpg"), large)
    cv2.imwrite(str(folder / "nobody.png"), np.full((90, 60), 200, np.uint8))
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("not listed")
    return folder


def test_classify_does_what_it_can_and_explains_the_rest(photos: Path) -> None:
    """Every file of the folder is there once, the bad ones with their reason; exit code 1."""
    result = call("classify", photos, "--json")
    assert result.exit_code == 1
    verdicts = {Path(verdict["path"]).name: verdict for verdict in objects(result)}
    assert set(verdicts) == {"smile.jpg", "large.jpg", "nobody.png", "text.jpg", "empty.jpg"}
    assert "empty" in verdicts["empty.jpg"]["error"]
    assert "not a picture" in verdicts["text.jpg"]["error"]
    for name, (x, y, side) in {"smile.jpg": (177, 66, 95), "large.jpg": (2708, 1264, 380)}.items():
        assert verdicts[name]["error"] is None
        (face,) = [face for face in verdicts[name]["faces"] if face["qualifies"]]
        assert face["smile"] > 0.5
        assert face["eyes_open"] == 2
        left, top, width, height = face["box"]
        assert abs(left + width / 2 - (x + side / 2)) < side / 4
        assert abs(top + height / 2 - (y + side / 2)) < side / 4
    assert (verdicts["large.jpg"]["width"], verdicts["large.jpg"]["height"]) == (6000, 4000)
    assert verdicts["nobody.png"]["faces"] == []


def test_classify_is_content_with_good_files(photos: Path) -> None:
    """Exit code 0, a table and totals."""
    result = call("classify", photos / "smile.jpg", photos / "nobody.png")
    assert result.exit_code == 0
    assert "2 files: 1 faces, 1 smiling, 1 qualify, 0 skipped" in result.stdout


def test_classify_writes_marked_copies(photos: Path, tmp_path: Path) -> None:
    """--annotate leaves the photos alone and marks copies of the same size."""
    before = (photos / "smile.jpg").read_bytes()
    call("classify", photos, "--annotate", tmp_path / "marked")
    marked = cv2.imread(str(tmp_path / "marked" / "smile.jpg"))
    assert marked is not None
    assert marked.shape == (512, 512, 3)
    difference = np.abs(marked.astype(int) - cv2.imread(str(photos / "smile.jpg"))).max()
    assert difference > 100
    assert (photos / "smile.jpg").read_bytes() == before


def test_classify_of_nothing_says_so(tmp_path: Path) -> None:
    """A folder without pictures and a missing file are not a success."""
    assert call("classify", tmp_path).exit_code == 1
    result = call("classify", tmp_path / "none.jpg", "--json")
    assert result.exit_code == 1
    assert "No such file" in objects(result)[0]["error"]


def test_check_prints_the_effective_settings(write_config: WriteConfig) -> None:
    """What is set in the file is marked."""
    result = call("check", "--config", write_config(smile={"frames": 5}))
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  frames:")]
    assert line.split() == ["frames:", "5", "#", "set", "in", "gate.yaml"]
    assert (
        json.loads(call("check", "--config", write_config(), "--json").stdout)["relay"]["pin"] == 17
    )


def test_check_says_every_mistake_and_exits_with_2(tmp_path: Path) -> None:
    """Six mistakes, six lines, each with file and line."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "camera:\n  widht: 640\n  fps: fast\nsmile:\n  frames: 0\n  threshold: 2\n"
        "relay:\n  pin: 77\neyez: 1\n"
    )
    result = call("check", "--config", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == list("235689")


def test_check_can_print_the_file_to_start_from(tmp_path: Path) -> None:
    """The commented default is there wherever the program is installed."""
    path = tmp_path / "gate.yaml"
    path.write_text(call("check", "--default").stdout)
    assert call("check", "--config", path).exit_code == 0


def test_states_are_printed_from_the_table() -> None:
    """As a table, as a diagram, as JSON."""
    table = call("states", "--text").stdout
    assert "smiling" in table
    assert "missed too many" in table
    diagram = call("states", "--mermaid").stdout
    assert diagram.startswith("stateDiagram-v2")
    assert "smiling --> granted: qualifying [last frame]" in diagram
    arcs = objects(call("states", "--json"))
    assert {"state": "granted", "trigger": "passed", "if": None} | {
        "next": "rearming",
        "recorded": "passed",
    } in arcs
