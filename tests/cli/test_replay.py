"""`smile-gate replay` as a user calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.hardware.camera import open_source
from gate.replay import demo_clip
from tests.cli.calls import call, objects
from tests.films import film, space, turn

WriteConfig = Callable[..., Path]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_film_of_a_phone_held_on_its_side_is_judged_upright(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    """What is stored turned, with a note of the turn, gives the grant of the upright film."""
    stored = (np.rot90(frame) for frame in demo_clip.render())
    path = turn(film(tmp_path / "phone.mp4", stored, demo_clip.FPS), 90)
    *_, last = objects(call("replay", path, "--config", write_config(), "--json"))
    assert last["summary"]["grants"] == 1
    assert last["summary"]["notes"] == []


@pytest.mark.slow
def test_a_grant_comes_at_the_films_own_time(write_config: WriteConfig, tmp_path: Path) -> None:
    """Where the empty first frames took longer, all after them is later by as much."""
    even = film(tmp_path / "even.mp4", demo_clip.render(), demo_clip.FPS)
    frames = sum(1 for _ in demo_clip.render())
    uneven = tmp_path / "uneven.mp4"
    uneven.write_bytes(even.read_bytes())
    space(uneven, [(4, 0.5), (frames - 4, 1 / demo_clip.FPS)])
    times = []
    for path in (even, uneven):
        events = objects(call("replay", path, "--config", write_config(), "--json"))
        times += [event["t"] for event in events if event.get("event") == "granted"]
    assert times[1] - times[0] == pytest.approx(4 * (0.5 - 1 / demo_clip.FPS), abs=0.01)


def test_a_recording_that_cannot_tell_much_says_why(clip: Path, tmp_path: Path) -> None:
    """One that was broken off, and one too small for a face, are not just "0 granted"."""
    half = tmp_path / "half.avi"
    half.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    result = call("replay", half)
    assert result.exit_code == 0
    assert "ends early, after" in result.output
    tiny = film(tmp_path / "tiny.avi", [np.full((24, 32, 3), 90, np.uint8)] * 3)
    assert "32×24 px is small: a face must be 24 px wide" in call("replay", tiny).output
    cv2.imwrite(str(tmp_path / "tiny.png"), np.full((24, 32, 3), 90, np.uint8))
    assert "32×24 px is small" in call("classify", tmp_path / "tiny.png").output
