"""The numbers that an evaluation reports."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gate.training import metrics


def test_the_wilson_interval_is_the_published_one() -> None:
    """8 of 10 must give 49.0 % to 94.3 %, as in the tables."""
    low, high = metrics.Rate(8, 10).interval
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 0.1611), (20, 0.8389, 1.0)])
def test_the_wilson_interval_holds_at_the_ends(count: int, low: float, high: float) -> None:
    """None or all of 20 must give an interval that isn't a point and stays within 0 and 1."""
    found = metrics.Rate(count, 20).interval
    assert found == pytest.approx((low, high), abs=1e-4)


def test_auc_counts_pairs_and_half_the_ties() -> None:
    """The AUC must be the share of (smile, other) pairs in the right order, ties half."""
    scores = np.array([0.1, 0.4, 0.4, 0.8], np.float32)
    labels = np.array([0, 1, 0, 1])
    assert metrics.auc(scores, labels) == pytest.approx(3.5 / 4)


def test_auc_of_one_class_is_not_a_number_and_plain_json_null() -> None:
    """Without a smile there is no AUC, and JSON must say null, not NaN."""
    scores, labels = np.array([0.2, 0.3], np.float32), np.array([0, 0])
    assert math.isnan(metrics.auc(scores, labels))
    assert metrics.judge(scores, labels, 0.5).as_dict()["auc"] is None


def test_false_accepts_are_of_those_who_do_not_smile() -> None:
    """Each rate must be a share of its own class, at and above the threshold an accept."""
    scores = np.array([0.5, 0.2, 0.1, 0.9, 0.4], np.float32)
    labels = np.array([0, 0, 0, 1, 1])
    report = metrics.judge(scores, labels, 0.5)
    assert (report.false_accept.count, report.false_accept.total) == (1, 3)
    assert (report.false_reject.count, report.false_reject.total) == (1, 2)
    assert report.accuracy.count == 3
    assert report.balanced_accuracy == pytest.approx(1 - (1 / 3 + 1 / 2) / 2)


def test_calibration_error_is_the_gap_between_said_and_true() -> None:
    """Eight in ten smiles where the model says 0.6 must be an error of 0.2."""
    scores = np.full(10, 0.6, np.float32)
    labels = np.array([1] * 8 + [0] * 2)
    assert metrics.calibration_error(scores, labels) == pytest.approx(0.2, abs=1e-6)


def test_temperature_undoes_overconfidence() -> None:
    """Scores made three times too sure and shifted must be brought back."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, 20000)
    labels = (rng.random(20000) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    scores = (1 / (1 + np.exp(-(3 * logits + 1)))).astype(np.float32)
    temperature, shift = metrics.fit_temperature(scores, labels)
    assert temperature == pytest.approx(3, rel=0.1)
    assert shift == pytest.approx(1, abs=0.25)


def test_the_threshold_is_the_lowest_that_lets_few_enough_in() -> None:
    """With non-smiles at 0.00 to 0.99, 5 % of them lie at 0.95 and above."""
    scores = np.concatenate([np.arange(100) / 100, np.full(10, 0.99)]).astype(np.float32)
    labels = np.array([0] * 100 + [1] * 10)
    assert metrics.threshold_for(scores, labels, 0.05) == pytest.approx(0.95, abs=0.011)


def test_a_threshold_is_never_below_even_odds() -> None:
    """A model that finds validation easy must not open the gate to a probability of 0.01."""
    scores = np.concatenate([np.full(100, 0.005), np.full(100, 0.99)]).astype(np.float32)
    labels = np.array([0] * 100 + [1] * 100)
    assert metrics.threshold_for(scores, labels, 0.05) == 0.5


@pytest.mark.parametrize(
    ("others", "share", "expected"),
    [
        ([0.99] * 2 + [0.2] * 34, 0.05, 0.5),
        ([0.99] * 4 + [0.2] * 32, 0.05, 0.99),
        ([0.9] * 5000, 0.0005, 0.91),
        ([0.9] * 5000, 0.0, 0.91),
    ],
)
def test_two_faces_decide_no_threshold(others: list[float], share: float, expected: float) -> None:
    """Two of 36 that look like smiles must not refuse every guest; thousands must be heard."""
    scores, labels = np.array([*others, 0.95], np.float32), np.array([0] * len(others) + [1])
    assert metrics.threshold_for(scores, labels, share) == expected


def test_few_faces_say_nothing_of_a_small_share() -> None:
    """None of five getting through says nothing of one in twenty; none of sixty does."""
    assert not metrics.enough_for(np.array([0] * 5 + [1] * 90), 0.05)
    assert metrics.enough_for(np.array([0] * 60 + [1] * 5), 0.05)
    assert not metrics.enough_for(np.array([0] * 6000), 0.0)


def test_few_faces_make_nobody_certain() -> None:
    """Ten faces told apart without a mistake are no proof of probabilities near 0 and 1."""
    scores = np.array([0.3] * 5 + [0.7] * 5, np.float32)
    labels = np.array([0] * 5 + [1] * 5)
    temperature, shift = metrics.fit_temperature(scores, labels)
    logits = np.log(scores / (1 - scores))
    calibrated = 1 / (1 + np.exp(-(logits - shift) / temperature))
    assert calibrated == pytest.approx([1 / 7] * 5 + [6 / 7] * 5, abs=0.01)


def test_the_interval_of_an_area_narrows_with_the_faces() -> None:
    """It must hold the area, shrink with the root of the number, and be none without a class."""
    rng = np.random.default_rng(3)
    widths = []
    for count in (50, 800):
        labels = np.arange(count) % 2
        scores = (labels + rng.normal(0, 0.7, count)).astype(np.float32)
        low, high = metrics.auc_interval(scores, labels)
        assert low < metrics.auc(scores, labels) < high
        widths.append(high - low)
    assert 3 < widths[0] / widths[1] < 6
    assert np.isnan(metrics.auc_interval(np.ones(3, np.float32), np.ones(3, np.int64))[0])
