"""Signs of life, from made-up looks."""

from __future__ import annotations

import numpy as np

from gate.core.rules import LivenessMode
from gate.vision.liveness import SIDE, LivenessCheck, LivenessRules, LivenessView

EYES = (1.0, 1.0)


def face(mouth: float, seed: int = 0) -> np.ndarray:
    """A face of blobs whose mouth is wide open (1) or shut (0), a little noisy."""
    chance = np.random.default_rng(7)
    rough = chance.normal(0, 1, (10, 10)).astype(np.float32)
    upper = np.kron(rough, np.ones((4, 4), np.float32))
    lower = np.kron(chance.normal(0, 1, (10, 10)), np.ones((4, 4))).astype(np.float32)
    picture = upper.copy()
    picture[24:] = (1 - mouth) * upper[24:] + mouth * lower[24:]
    noise = np.random.default_rng(seed).normal(0, 0.03, (SIDE, SIDE))
    return (picture + noise).astype(np.float32)


def look(n: int, smile: float, mouth: float, **more: object) -> LivenessView:
    facts: dict[str, object] = {
        "now": n / 15,
        "number": 1,
        "smile": smile,
        "eyes": EYES,
        "sharpness": 0.5,
        "move": 0.0,
        "upright": True,
        "face": face(mouth, n),
    }
    return LivenessView(**(facts | more))  # type: ignore[arg-type]  # the facts have the fields' types


def smiles_slowly(**more: object) -> list[LivenessView]:
    """Six frames without a smile, then a mouth that opens in eight."""
    rest = [look(n, 0.1, 0.0) for n in range(6)]
    grow = [look(6 + n, 0.1 + 0.12 * n, (n + 1) / 8) for n in range(8)]
    return rest + grow + [look(14 + n, 0.95, 1.0, **more) for n in range(4)]


def judged(mode: LivenessMode, looks: list[LivenessView]) -> list[bool]:
    liveness = LivenessCheck(LivenessRules(mode))
    return [liveness.judge(one) for one in looks]


def test_off_asks_nothing() -> None:
    """Whoever does not want the check has none."""
    assert all(judged(LivenessMode.OFF, [look(0, 0.9, 1.0)]))


def test_a_mouth_that_begins_to_smile_is_alive() -> None:
    """First no smile, then one that grows."""
    seen = judged(LivenessMode.NEUTRAL_FIRST, smiles_slowly())
    assert not any(seen[:6])
    assert seen[-1]


def test_a_smile_from_the_start_is_a_picture() -> None:
    """Never seen without a smile: suspected, however long it is shown."""
    assert not any(judged(LivenessMode.NEUTRAL_FIRST, [look(n, 0.95, 1.0) for n in range(60)]))


def test_a_mouth_that_changes_at_once_was_swapped() -> None:
    """No mouth smiles between two frames."""
    swap = [look(n, 0.1, 0.0) for n in range(8)] + [look(8 + n, 0.95, 1.0) for n in range(40)]
    assert not any(judged(LivenessMode.NEUTRAL_FIRST, swap))


def test_low_scores_of_a_blurred_picture_do_not_count() -> None:
    """Shaking blurs a smile away; the mouth behind the blur stays the same."""
    looks = [look(n, 0.95, 1.0) for n in range(10)]
    looks += [look(10 + n, 0.1, 1.0, sharpness=0.2, move=0.2) for n in range(8)]
    looks += [look(18 + n, 0.95, 1.0) for n in range(20)]
    assert not any(judged(LivenessMode.NEUTRAL_FIRST, looks))


def test_a_new_guest_starts_anew() -> None:
    """What one guest has shown is no proof for the next."""
    looks = smiles_slowly()
    liveness = LivenessCheck(LivenessRules(LivenessMode.NEUTRAL_FIRST))
    assert [liveness.judge(one) for one in looks][-1]
    assert not liveness.judge(look(99, 0.95, 1.0, number=2))


def test_a_short_blink_is_a_sign_and_long_closed_eyes_are_not() -> None:
    """Open, shut for a moment, open again."""

    def blink(shut: int) -> list[LivenessView]:
        open_ = [look(n, 0.9, 1.0) for n in range(6)]
        closed = [look(6 + n, 0.9, 1.0, eyes=(0.05, 0.1)) for n in range(shut)]
        return open_ + closed + [look(6 + shut + n, 0.9, 1.0) for n in range(3)]

    assert judged(LivenessMode.BLINK, blink(3))[-1]
    assert not judged(LivenessMode.BLINK, blink(20))[-1]
    assert not judged(LivenessMode.BLINK, blink(0))[-1]


def test_both_asks_for_both() -> None:
    """A smile that grows is not enough where a blink is asked for too."""
    assert not judged(LivenessMode.BOTH, smiles_slowly())[-1]
