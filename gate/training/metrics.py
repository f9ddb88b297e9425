"""Measures of a list of scores: counts, rates, intervals, calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]
    Labels = NDArray[np.int64]

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""
COUNTED = 3
"""Faces that have to get through before their share says something."""
LEAST = 0.5
"""The lowest threshold to choose: below it a calibrated score says that it is rather no smile."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of ``count`` in ``total`` with its Wilson 95 % interval.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    J. Am. Stat. Assoc. 22 (1927).
    """

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share; not a number where there is nothing to share."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.total:
            return 0.0, 1.0
        p, n, z2 = self.value, self.total, Z95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of an evaluation on one set of faces at one threshold."""

    n: int
    threshold: float
    accuracy: Rate
    balanced_accuracy: float
    auc: float
    false_accept: Rate
    """Faces that don't smile and were taken for a smile, of all that don't."""
    false_reject: Rate
    """Smiles that weren't taken for one, of all smiles."""
    calibration_error: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers for JSON; intervals are ``…_interval`` pairs."""
        return {
            "n": self.n,
            "accuracy": _plain(self.accuracy.value),
            "accuracy_interval": list(self.accuracy.interval),
            "balanced_accuracy": _plain(self.balanced_accuracy),
            "auc": _plain(self.auc),
            "false_accept_rate": _plain(self.false_accept.value),
            "false_accept_interval": list(self.false_accept.interval),
            "false_reject_rate": _plain(self.false_reject.value),
            "false_reject_interval": list(self.false_reject.interval),
            "calibration_error": _plain(self.calibration_error),
            "threshold": self.threshold,
        }


def judge(scores: Scores, labels: Labels, threshold: float) -> Evaluation:
    """Return the report on (n,) scores against (n,) labels 0 or 1."""
    verdicts = scores >= threshold
    smiles = labels == 1
    accepted = Rate(int(np.sum(verdicts & ~smiles)), int(np.sum(~smiles)))
    rejected = Rate(int(np.sum(~verdicts & smiles)), int(np.sum(smiles)))
    return Evaluation(
        n=len(scores),
        threshold=threshold,
        accuracy=Rate(int(np.sum(verdicts == smiles)), len(scores)),
        balanced_accuracy=1.0 - (accepted.value + rejected.value) / 2,
        auc=auc(scores, labels),
        false_accept=accepted,
        false_reject=rejected,
        calibration_error=calibration_error(scores, labels),
    )


def auc(scores: Scores, labels: Labels) -> float:
    """Return the area under the ROC curve: how often a smile scores above a non-smile.

    Ties count half (the Mann–Whitney statistic). Not a number where a class is missing.
    """
    smiles = int(np.sum(labels == 1))
    others = len(labels) - smiles
    if not smiles or not others:
        return math.nan
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[labels == 1].sum() - smiles * (smiles + 1) / 2) / (smiles * others))


def auc_interval(scores: Scores, labels: Labels) -> tuple[float, float]:
    """Return the 95 % interval of the area under the ROC curve.

    Source: Hanley and McNeil, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143 (1982). Not a number where a class is missing.
    """
    area = auc(scores, labels)
    smiles = int(np.sum(labels == 1))
    others = len(labels) - smiles
    if math.isnan(area):
        return math.nan, math.nan
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    variance = area * (1 - area)
    variance += (smiles - 1) * (first - area**2) + (others - 1) * (second - area**2)
    half = Z95 * math.sqrt(max(variance, 0.0) / (smiles * others))
    return max(0.0, area - half), min(1.0, area + half)


def calibration_error(scores: Scores, labels: Labels, bins: int = 15) -> float:
    """Return the expected calibration error over equally wide bins.

    Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015.
    """
    if len(scores) == 0:
        return math.nan
    places = np.clip((scores * bins).astype(int), 0, bins - 1)
    gap = 0.0
    for place in np.unique(places):
        inside = places == place
        gap += abs(float(scores[inside].mean()) - float(labels[inside].mean())) * inside.sum()
    return gap / len(scores)


def threshold_for(
    scores: Scores, labels: Labels, false_accept: float, weights: Scores | None = None
) -> float:
    """Return the lowest threshold (steps of 0.01) at which few enough non-smiles get through.

    From `LEAST` on, of calibrated ``scores``; ``false_accept`` is the (weighted) share of
    non-smiles that may get through, or that of `COUNTED` of them where it is less: two faces
    decide nothing. 0.99 where no threshold is high enough.
    """
    others = labels == 0
    false_accept = max(false_accept, COUNTED / max(1, int(np.sum(others))))
    share = np.ones(len(scores)) if weights is None else weights
    for hundredths in range(round(100 * LEAST), 100):
        accepted = scores[others] >= np.float32(hundredths / 100)
        if np.average(accepted, weights=share[others]) <= false_accept:
            return hundredths / 100
    return 0.99


def enough_for(labels: Labels, false_accept: float) -> bool:
    """Whether there are enough non-smiles to tell this share of them: `COUNTED` may get through."""
    return bool(false_accept * np.sum(labels == 0) >= COUNTED)


def fit_temperature(
    scores: Scores, labels: Labels, weights: Scores | None = None
) -> tuple[float, float]:
    """Return (temperature, shift) that calibrate: logit' = (logit - shift) / temperature.

    Minimises the (weighted) log loss by Newton's method; as with Platt, the fewer faces there are
    of a class the less certain its label counts. Source: J. Platt, Probabilistic outputs for
    support vector machines (1999); Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    smiles = int(np.sum(labels))
    targets = np.where(labels == 1, (smiles + 1) / (smiles + 2), 1 / (len(labels) - smiles + 2))
    clipped = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    weight = np.full(len(logits), 1.0) if weights is None else weights.astype(np.float64)
    weight = weight / weight.sum()

    def loss(at: NDArray[np.float64]) -> float:
        z = at[0] * logits + at[1]
        each = np.logaddexp(0.0, z) - targets * z
        return float(np.sum(weight * each) + 5e-5 * (at[0] - 1.0) ** 2)

    point = np.array([1.0, 0.0])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(point[0] * logits + point[1], -30, 30)))
        error, curve = weight * (p - targets), weight * p * (1 - p) + 1e-12
        gradient = np.array([np.sum(error * logits) + 1e-4 * (point[0] - 1.0), np.sum(error)])
        cross = np.sum(curve * logits)
        hessian = np.array([[np.sum(curve * logits**2) + 1e-4, cross], [cross, np.sum(curve)]])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
        while loss(point - step) > loss(point) and np.abs(step).max() > 1e-9:
            step = step / 2
        point = point - step
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(point[0]), 0.05)
    return 1 / slope, -float(point[1]) / slope


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
