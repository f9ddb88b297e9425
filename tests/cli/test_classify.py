"""`smile-gate classify` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.replay import demo_clip
from tests.cli.calls import call, objects


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_classify_is_content_with_good_files(photos: Path) -> None:
    """Exit code 0, a table and totals."""
    result = call("classify", photos / "smile.jpg", photos / "nobody.png")
    assert result.exit_code == 0
    assert "2 files: 1 faces, 1 smiling, 1 qualify, 0 skipped" in result.stdout


@pytest.mark.slow
def test_classify_prints_words_and_no_markup(photos: Path) -> None:
    """The table has the verdict and the reason as words, a file's name and all, without tags."""
    odd = photos / "odd [red].jpg"
    odd.touch()
    result = call("classify", photos / "smile.jpg", odd)
    assert "Smile, qualifies" in result.stdout
    assert "skipped: " in result.stdout
    assert "odd [red].jpg" in result.stdout
    assert "[green]" not in result.stdout
    assert "[red]skipped" not in result.stdout


@pytest.mark.slow
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


@pytest.mark.slow
def test_classify_of_nothing_says_so(tmp_path: Path) -> None:
    """A folder without pictures and a missing file are not a success."""
    assert call("classify", tmp_path).exit_code == 1
    result = call("classify", tmp_path / "none.jpg", "--json")
    assert result.exit_code == 1
    assert "No such file" in objects(result)[0]["error"]
