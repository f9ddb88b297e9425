"""Signs that a living person stands at the gate and not a picture of one.

Two signs are known here, both from one plain camera: the face was seen *without* a smile before it
smiled (`neutral_first`), and its eyes closed and opened again (`blink`). A picture held in front
of the camera can't do either, however it is moved; a film on a tablet does both.
What moving a picture does do, it blurs and tilts it, and a blurred smile may score like none. So a
sign counts only in frames in which the face is sharp, upright and nearly at rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.core.rules import LivenessMode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gate.core.domain import Box
    from gate.vision.view import View


@dataclass(frozen=True, slots=True)
class LivenessRules:
    """What is asked, and how clear a sign has to be."""

    mode: LivenessMode = LivenessMode.OFF
    neutral_below: float = 0.35
    """Smile score under which a face counts as not smiling."""
    neutral_s: float = 0.25
    """How long it must not smile, s; never fewer than `NEUTRAL_FRAMES` frames."""
    blink_s: float = 0.6
    """The longest blink: eyes shut for longer are asleep, or covered."""


NEUTRAL_FRAMES = 4
AT_REST = 0.05
"""Largest move from frame to frame, in face widths, of a face that is nearly at rest."""
SHARP = 0.75
"""Sharpness, as a share of the visit's usual one, under which a face counts as blurred."""
SHUT, OPEN = 0.3, 0.6
"""Eye scores of a blink: both below the one, then both above the other."""
SIDE = 40
"""Side of the picture of the face that is compared, px."""
MOUTH = (26, 40, 8, 32)
"""First and last row and column of the mouth in that picture."""
LIPS = (26, 38, 9, 31)
"""The same without the chin's edge: what is followed from frame to frame."""
SLIDE = 3
"""How far the box may have jumped between two frames, px of that picture."""
UPPER = (6, 22, 6, 34)
"""First and last row and column of brows, eyes and nose."""
JUMP = 0.23
"""Change of the mouth (1 − correlation) from one frame to the next that no mouth makes: real
smiles came to at most 0.20 at 15 frames a second and more (0.27 at 8 to 13: such a guest may have
to smile twice), swapped pictures to 0.26 and more."""
MOUTH_CHANGED = 1.5
"""How much more the mouth must have changed than the upper face, as a ratio of mean differences:
moved pictures came to about 1 (noise to 4), real smiles to 1.8 and more."""
MOUTH_DIFFERS = 0.07
"""How unlike the mouth must have become (1 − correlation, blurred, best place): moved pictures of
one face came to 0.03, real smiles to 0.10 and more."""
FIT = 0.85
"""Correlation of the two upper faces under which their mouths can't be compared."""
GAP_S = 0.3
"""Longest time without the face after which its mouth still counts as followed, s."""
CHANGED_FRAMES = 2
"""Frames in a row that must show the changed mouth."""


@dataclass(frozen=True, slots=True)
class LivenessView:
    """What one frame says about the guest's liveness."""

    now: float
    number: int
    smile: float
    """Smile score of this very frame, not smoothed."""
    eyes: tuple[float, float]
    sharpness: float
    move: float
    """How far the face moved or grew since the frame before, in face widths."""
    upright: bool
    face: NDArray[np.float32]
    """The face, `portrait`."""


def portrait(view: View, box: Box) -> NDArray[np.float32]:
    """The face as `SIDE` × `SIDE` numbers of zero mean and unit spread; empty outside the frame."""
    patch = view.gray(box)
    if min(patch.shape, default=0) < 8:
        return np.zeros((0, 0), np.float32)
    small = cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    even: NDArray[np.float32] = (small - small.mean()) / np.float32(max(float(small.std()), 4.0))
    return even


class LivenessCheck:
    """Collects the signs of one visit; starts anew with each guest."""

    def __init__(self, rules: LivenessRules) -> None:
        self._rules = rules
        self.reset()

    def reset(self) -> None:
        """Forget the visit."""
        self._number: int | None = None
        self._neutral = False
        self._before: NDArray[np.float32] | None = None
        self._last: LivenessView | None = None
        self._run: list[float] = []
        self._changes = 0
        self._smiled = False
        self._blinked = False
        self._shut_since: float | None = None
        self._open_before = 0
        self._sharpness: deque[float] = deque(maxlen=30)

    def judge(self, look: LivenessView) -> bool:
        """Take in one frame; True once the signs asked for have been seen in this visit."""
        mode = self._rules.mode
        if mode is LivenessMode.OFF:
            return True
        if look.number != self._number:
            self.reset()
            self._number = look.number
        self._sharpness.append(look.sharpness)
        clear = (
            look.upright
            and look.move < AT_REST
            and look.sharpness >= SHARP * float(np.median(self._sharpness))
        )
        if mode in (LivenessMode.NEUTRAL_FIRST, LivenessMode.BOTH):
            self._watch_mouth(look, clear)
        if mode in (LivenessMode.BLINK, LivenessMode.BOTH):
            self._watch_eyes(look, clear)
        self._last = look
        neutral = self._smiled or mode is LivenessMode.BLINK
        blinked = self._blinked or mode is LivenessMode.NEUTRAL_FIRST
        return neutral and blinked

    def _watch_mouth(self, look: LivenessView, clear: bool) -> None:
        """A face without a smile, and then its mouth, and little else, changing bit by bit."""
        if self._smiled:
            return
        if self._last is None or _jumped(self._last, look):
            # What was seen before may be another picture: the change must be seen from here on.
            self._before = look.face if clear else None
            self._run.clear()
            self._changes = 0
        if look.smile < self._rules.neutral_below:
            self._changes = 0
            if clear:
                self._run.append(look.now)
                self._before = look.face
            lasted = look.now - self._run[0] if self._run else 0.0
            if len(self._run) >= NEUTRAL_FRAMES and lasted >= self._rules.neutral_s:
                self._neutral = True
            return
        self._run.clear()
        if self._before is None:
            self._before = look.face if clear else None
        elif self._neutral and look.smile >= 0.5 and clear:
            changed = mouth_changed(self._before, look.face)
            self._changes = self._changes + 1 if changed else 0
            self._smiled = self._changes >= CHANGED_FRAMES

    def _watch_eyes(self, look: LivenessView, clear: bool) -> None:
        """Both eyes shut for a moment in a face that stays where it is."""
        if self._blinked:
            return
        low, high = max(look.eyes), min(look.eyes)
        if not clear:
            self._shut_since = None
            self._open_before = 0
        elif high >= OPEN:
            if self._shut_since is not None:
                self._blinked = look.now - self._shut_since <= self._rules.blink_s
                self._shut_since = None
            self._open_before += 1
        elif low <= SHUT and self._shut_since is None and self._open_before >= 3:
            self._shut_since = look.now


def _jumped(before: LivenessView, after: LivenessView) -> bool:
    """Whether the mouth became another one between two frames, or frames are missing."""
    if after.now - before.now > GAP_S or before.face.size == 0 or after.face.size == 0:
        return True
    return _unlike(before.face, after.face) > JUMP


def mouth_changed(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    """Whether the mouth, and little else, changed between two portraits.

    The upper faces are laid on each other first (shift, turn, stretch: Evangelidis and Psarakis,
    "Parametric image alignment using enhanced correlation coefficient maximization", 2008), so
    that a picture that was only moved, tilted or brought closer has the same mouth again.
    """
    if before.shape != (SIDE, SIDE) or after.shape != (SIDE, SIDE):
        return False
    top, bottom, left, right = UPPER
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[top:bottom, left:right] = 255
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    try:
        fit, turn = cv2.findTransformECC(
            before, after, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, mask, 3
        )
    except cv2.error:
        return False  # The two do not fit on each other: no proof of anything.
    if fit < FIT:
        return False
    laid = cv2.warpAffine(
        after,
        turn,
        (SIDE, SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    change = cv2.GaussianBlur(np.abs(laid - before), (0, 0), 1.0)
    upper = float(change[top:bottom, left:right].mean())
    top, bottom, left, right = MOUTH
    if float(change[top:bottom, left:right].mean()) < MOUTH_CHANGED * max(upper, 0.05):
        return False
    first = np.asarray(cv2.GaussianBlur(before, (0, 0), 1.5), np.float32)
    second = np.asarray(cv2.GaussianBlur(laid, (0, 0), 1.5), np.float32)
    return _unlike(first, second) > MOUTH_DIFFERS


def _unlike(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """1 − correlation of the lips of two portraits, at the best place within `SLIDE`."""
    top, bottom, left, right = LIPS
    wide = after[top - SLIDE : min(bottom + SLIDE, SIDE), left - SLIDE : right + SLIDE]
    found = cv2.matchTemplate(wide, before[top:bottom, left:right], cv2.TM_CCOEFF_NORMED)
    return 1.0 - float(found.max())
