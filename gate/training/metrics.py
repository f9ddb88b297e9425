"""How good a list of scores is: counts, rates, intervals, calibration."""

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
class Report:
    """What an evaluation says of one set of faces at one threshold."""

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


def judge(scores: Scores, labels: Labels, threshold: float) -> Report:
    """Return the report on (n,) scores against (n,) labels 0 or 1."""
    verdicts = scores >= threshold
    smiles = labels == 1
    accepted = Rate(int(np.sum(verdicts & ~smiles)), int(np.sum(~smiles)))
    rejected = Rate(int(np.sum(~verdicts & smiles)), int(np.sum(smiles)))
    return Report(
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


def threshold_for(scores: Scores, labels: Labels, false_accept: float) -> float:
    """Return the lowest threshold (steps of 0.01) at which few enough non-smiles get through.

    ``false_accept`` is the share of non-smiles that may; 0.99 where none is low enough.
    """
    others = scores[labels == 0]
    for threshold in np.arange(0.01, 0.995, 0.01):
        if np.mean(others >= threshold) <= false_accept:
            return round(float(threshold), 2)
    return 0.99


def best_threshold(scores: Scores, labels: Labels) -> float:
    """Return the threshold (steps of 0.01) with the best balanced accuracy."""
    steps = np.arange(0.01, 0.995, 0.01)
    gains = [np.mean(scores[labels == 1] >= t) - np.mean(scores[labels == 0] >= t) for t in steps]
    return round(float(steps[int(np.argmax(gains))]), 2)


def fit_temperature(scores: Scores, labels: Labels) -> tuple[float, float]:
    """Return (temperature, shift) that calibrate: logit' = (logit - shift) / temperature.

    Minimises the log loss with both classes weighing the same (Platt scaling; J. Platt,
    Probabilistic outputs for support vector machines, 1999) by Newton's method.
    """
    clipped = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    smiles = labels == 1
    weight = np.where(smiles, 0.5 / max(smiles.sum(), 1), 0.5 / max((~smiles).sum(), 1))
    slope, offset = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(slope * logits + offset, -30, 30)))
        error, curve = weight * (p - smiles), weight * p * (1 - p) + 1e-12
        gradient = np.array([np.sum(error * logits), np.sum(error)])
        cross = np.sum(curve * logits)
        hessian = np.array([[np.sum(curve * logits**2), cross], [cross, np.sum(curve)]])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
        slope, offset = slope - step[0], offset - step[1]
        if np.abs(step).max() < 1e-9:
            break
    slope = max(slope, 0.05)
    return float(1 / slope), float(-offset / slope)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
