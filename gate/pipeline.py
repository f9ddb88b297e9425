"""From a frame to what it shows: face, eyes, smile, and what stands in the way.

`Pipeline` owns what is remembered from frame to frame; the parts in `gate.vision` do the seeing.
It judges nothing: thresholds and counting are the state machine's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from gate.domain import Box, Face, Observation, Reason
from gate.framing import cut
from gate.vision import stills
from gate.vision.eyes import EyeFinder
from gate.vision.faces import FaceFinder
from gate.vision.picture import Mounting, gray, inside, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.domain import Frame, Image

SIMILAR = 0.6
"""A face counts beside the guest's when it is at least this fraction of its width."""


class Classifier(Protocol):
    """A model that scores crops of faces or eyes; its card says how they are cut."""

    @property
    def card(self) -> Any: ...  # noqa: ANN401 - the card's own type belongs to the model's room

    @property
    def size(self) -> tuple[int, int]: ...

    def score(self, crops: NDArray[Any]) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What the seeing part needs from the configuration."""

    min_height: float = 0.1
    """Smallest face, as a fraction of the frame's height."""
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, width, height of the part that counts, as fractions of the upright frame."""
    mounting: Mounting = field(default_factory=Mounting)


class Pipeline:
    """The eyes of the gate: one `Observation` a frame."""

    def __init__(
        self, settings: Settings, smile: Classifier, eyes: Classifier | None = None
    ) -> None:
        self._settings = settings
        self._smile = smile
        self._finder = FaceFinder()
        self._eyes = EyeFinder()

    def observe(self, frame: Frame) -> Observation:
        """What a live frame shows; boxes are in pixels of the upright frame."""
        image = self._settings.mounting.upright(frame.image)
        empty = Observation(frame.sequence, frame.monotonic)
        if image.ndim < 2 or image.size == 0:
            return empty
        height, width = image.shape[:2]
        left, top, across, down = self._settings.region
        part = inside(
            Box(round(left * width), round(top * height), round(across * width), round(down * height)),
            whole(image),
        )
        smallest = self._settings.min_height * height
        seen = self._finder.search(image, part, smallest=0.7 * smallest, largest=height, step=1.1, neighbours=3)
        boxes = [one.box for one in seen if one.box.width >= SIMILAR * seen[0].box.width]
        if not boxes:
            return empty
        obstacle = None
        if len(boxes) > 1:
            obstacle = Reason.MORE_THAN_ONE_FACE
        elif boxes[0].height < smallest:
            obstacle = Reason.FACE_TOO_SMALL
        faces = tuple(self._judged(image, box) for box in boxes[:1])
        faces += tuple(Face(box) for box in boxes[1:])
        return replace(empty, faces=faces, guest_id=1, obstacle=obstacle)

    def examine(self, image: Image) -> Observation:
        """What a still photo shows: every face, smile and eyes judged, nothing remembered."""
        boxes = stills.find(self._finder, image)
        obstacle = Reason.MORE_THAN_ONE_FACE if len(boxes) > 1 else None
        faces = tuple(self._judged(image, box) for box in boxes)
        return Observation(0, 0.0, faces, obstacle=obstacle)

    def reset(self) -> None:
        """Forget the last guest."""

    def _judged(self, image: Image, box: Box) -> Face:
        """The face with its smile and its eyes."""
        crop = cut(gray(image), box, self._smile.card.framing, self._smile.size)
        return Face(box, float(self._smile.score(crop[None])[0]), self._eyes.count(image, box))
