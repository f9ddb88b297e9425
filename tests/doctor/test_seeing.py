"""Camera, face and models as doctor finds them, on real pictures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from gate.core.domain import Frame
from gate.doctor.camera import Shots, judged, sharpness
from gate.doctor.face import face
from gate.doctor.finding import Finding, Grade
from gate.replay.bench.scenes import render
from gate.system import resources
from tests.doctor.patients import config, patient, status, texts, verdicts

if TYPE_CHECKING:
    from gate.core.domain import Image

OK, WARN, FAIL, SKIPPED = Grade.OK, Grade.WARN, Grade.FAIL, Grade.SKIPPED
FAST = {"fps": 120.0}


@cache
def guest() -> list[Image]:
    """Pictures of a guest at the gate."""
    return render("guest at the gate")[:20]


def camera(change: Callable[[Image], Image] = lambda image: image, fps: float = 15.0) -> Shots:
    """What a camera gives of a guest at the gate, every picture changed in the same way."""
    images = [change(image) for image in guest()]
    return Shots([Frame(image, number, number / fps) for number, image in enumerate(images)])


def dark(image: Image) -> Image:
    return np.asarray(image * 0.03, np.uint8)


def bright(image: Image) -> Image:
    return np.asarray(255 - image // 60, np.uint8)


def out_of_focus(image: Image) -> Image:
    """A lens blurs, then the sensor adds its noise."""
    chance = np.random.default_rng(int(image[0, 0, 0]))
    blurred = cv2.GaussianBlur(image, (0, 0), 6) + chance.normal(0, 2.5, image.shape)
    return np.clip(blurred, 0, 255).astype(np.uint8)


def half(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (320, 240)), np.uint8)


def said(found: list[Finding]) -> str:
    return "; ".join(f"{one.verdict}: {one.seen}: {one.advice}" for one in found)


@pytest.mark.slow
def test_a_good_camera() -> None:
    """Size, rate and light are told, and nothing is to be done."""
    (found,) = judged(camera(), config())
    assert found.verdict is OK
    assert "640×480, 15.0 a second" in found.seen


LOST = "/dev/video0: no such camera; see `v4l2-ctl --list-devices`"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shoot", "verdict", "advice"),
    [
        (lambda: camera(dark), FAIL, "take its cap off"),
        (lambda: camera(bright), FAIL, "turn it away from the light"),
        (lambda: camera(out_of_focus), WARN, "turn its focus"),
        (lambda: camera(half), WARN, "camera.width"),
        (lambda: camera(fps=6.0), WARN, "more light"),
        (Shots, FAIL, "camera's cable"),
        (lambda: Shots(problem=LOST), FAIL, "v4l2-ctl"),
    ],
    ids=["dark", "bright", "blurred", "small", "slow", "silent", "missing"],
)
def test_a_camera_in_trouble(shoot: Callable[[], Shots], verdict: Grade, advice: str) -> None:
    """One finding, of this kind, with the advice that mends it."""
    (found,) = judged(shoot(), config())
    assert found.verdict is verdict
    assert advice in found.advice


@pytest.mark.slow
def test_a_frozen_camera() -> None:
    """The same picture bit for bit is no still scene: a sensor's noise never repeats."""
    shots = camera()
    frozen = [Frame(shots.frames[0].image, one.sequence, one.monotonic) for one in shots.frames]
    assert "fail: the same picture 10 times" in said(list(judged(Shots(frozen), config())))


@pytest.mark.slow
def test_several_troubles_are_all_told() -> None:
    """A dark room makes a camera slow as well."""
    found = list(judged(camera(dark, fps=5.0), config()))
    assert [one.verdict for one in found] == [FAIL, WARN]


@pytest.mark.slow
def test_a_bare_wall_is_not_called_blurred() -> None:
    """Where nothing could be sharp, nothing is said of sharpness."""
    chance = np.random.default_rng(1)
    walls = [chance.normal(120, 2.5, (480, 640, 3)).astype(np.uint8) for _ in range(4)]
    assert sharpness([Frame(wall, n, n / 15) for n, wall in enumerate(walls)]) == 1.0


@pytest.mark.slow
def test_sharpness_falls_with_blur_alone() -> None:
    """Not with less light, as long as there is some."""
    sharp = sharpness(camera().frames)
    dim = sharpness(camera(lambda image: np.asarray(image * 0.5, np.uint8)).frames)
    assert dim == pytest.approx(sharp, rel=0.25)
    assert sharpness(camera(out_of_focus).frames) < sharp / 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of a guest: as good as a camera."""
    folder = tmp_path_factory.mktemp("guest")
    for number, image in enumerate(guest() * 3):
        cv2.imwrite(str(folder / f"{number:02}.png"), image)
    return folder


@pytest.mark.slow
def test_the_configured_source_is_what_is_tested(pictures: Path) -> None:
    """By the daemon's own camera thread, from opening to closing."""
    who = patient(config(camera=FAST | {"source": str(pictures)}))
    assert WARN not in verdicts("camera", who) or "a second" in texts("camera", who)
    assert FAIL not in verdicts("camera", who)


@pytest.mark.slow
def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    """What the camera's own error advises is the advice."""
    who = patient(config(camera={"source": str(tmp_path / "none.mp4")}))
    assert verdicts("camera", who) == [FAIL]
    assert "no such video file" in texts("camera", who)


@pytest.mark.slow
def test_the_camera_of_a_running_gate() -> None:
    """Its own figures are told."""
    assert verdicts("camera", patient(status=status())) == [OK]
    slow = status()
    slow["camera"]["fps"] = 5.0
    assert verdicts("camera", patient(status=slow)) == [WARN]
    slow["camera"]["problem"] = "no new picture for 2 s"
    assert verdicts("camera", patient(status=slow)) == [FAIL]


ASKED = frozenset({"face"})


@pytest.mark.slow
def test_nobody_is_made_to_stand_there() -> None:
    """The face is looked for only when somebody asked for it."""
    assert verdicts("face", patient()) == [SKIPPED]


@pytest.mark.slow
def test_a_guest_at_the_gate(pictures: Path) -> None:
    """Height, eyes and smile are told in numbers, beside their limits."""
    who = patient(config(camera=FAST | {"source": str(pictures)}), asked=ASKED)
    (found,) = face(who)
    assert found.verdict is OK
    assert "of the picture" in found.seen
    assert "eyes open 2" in found.seen
    assert re.search(r"mean gray level \d+ of 255", found.seen)


@pytest.mark.slow
@pytest.mark.parametrize(("least", "verdict"), [(0.33, WARN), (0.5, FAIL)])
def test_a_guest_who_stands_too_far_away(pictures: Path, least: float, verdict: Grade) -> None:
    """The distance that the technician asked for is what counts."""
    values = config(camera=FAST | {"source": str(pictures)}, face={"min_height": least})
    (found,) = face(patient(values, asked=ASKED))
    assert found.verdict is verdict
    assert "face.min_height" in found.advice or "where a guest stands" in found.advice


@pytest.mark.slow
def test_an_empty_scene_has_no_face(tmp_path: Path) -> None:
    """A failure, with what to try."""
    for number, image in enumerate(render("empty scene")[:20]):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), image)
    who = patient(config(camera=FAST | {"source": str(tmp_path)}), asked=ASKED)
    assert verdicts("face", who) == [FAIL]
    assert "camera.rotate" in texts("face", who)


@pytest.mark.slow
def test_the_shipped_models() -> None:
    """Both are loaded and score a crop."""
    assert verdicts("model", patient()) == [OK, OK]
    assert verdicts("model", patient(config(eyes={"method": "haar"}))) == [OK]


@pytest.mark.slow
def test_models_in_trouble(tmp_path: Path) -> None:
    """Missing, without its card, of another card, and no model at all."""
    path = tmp_path / "smile.tflite"
    values = config(smile={"model": str(path)}, eyes={"method": "haar"})
    assert "check the path" in texts("model", patient(values))
    shutil.copy(resources.path("models/smile.tflite"), path)
    assert "card is missing" in texts("model", patient(values))
    shutil.copy(resources.path("models/eyes.json"), tmp_path / "smile.json")
    assert "copy both from one place" in texts("model", patient(values))
    assert verdicts("model", patient(values)) == [FAIL]


@pytest.mark.slow
def test_the_cascades_are_there() -> None:
    """As OpenCV's wheel brings them."""
    assert verdicts("cascades", patient()) == [OK]


@pytest.mark.slow
def test_an_opencv_without_cascades(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenCV 5 dropped them: the advice names the version."""
    monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))  # type: ignore[attr-defined]
    assert verdicts("cascades", patient()) == [FAIL]
    assert "opencv-python-headless>=4.11,<5" in texts("cascades", patient())
