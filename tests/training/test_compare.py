"""The comparison of architectures and the model card's measured parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gate.cli.model.card import command as card
from gate.cli.model.compare import command as compare
from gate.errors import ModelError
from gate.system import resources
from gate.training import model_card
from gate.training.data import CLASSES
from gate.vision.classifier import SHIPPED
from tests.training.conftest import draw_set

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("metrics", "trade", "glare", "lips", "before", "stress", "groups", "people", "comparison")


@pytest.fixture
def sets(tmp_path: Path) -> list[str]:
    """Two drawn sets, as options of a command."""
    folders = [draw_set(tmp_path / name, 20, seed) for seed, name in enumerate(("one", "two"))]
    return [word for folder in folders for word in ("--data", str(folder))]


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A card with all parts, empty."""
    path = tmp_path / "card" / "MODEL_CARD.md"
    path.parent.mkdir()
    parts = "".join(f"<!-- measured: {name} -->\nold\n<!-- end -->\n" for name in PARTS)
    path.write_text(f"# Prose stays\n{parts}", encoding="utf-8")
    return path


@pytest.mark.tensorflow
def test_compare_fills_its_table_in_and_goes_on_where_it_was(
    sets: list[str], paper: Path, tmp_path: Path
) -> None:
    """Each set alone and both together must be trained once, also over two calls."""
    out = tmp_path / "comparison.json"
    arguments = [
        *sets, "--crops", "haar", "--epochs", "1", "--arch", "lenet5-modified",
        "--out", str(out), "--card", str(paper),
    ]  # fmt: skip
    first = CliRunner().invoke(compare, [*arguments, "--finalists", "0"])
    assert first.exit_code == 0, first.output
    assert len(json.loads(out.read_text())) == 3
    before = json.loads(out.read_text())
    second = CliRunner().invoke(compare, [*arguments, "--finalists", "1"])
    assert second.exit_code == 0, second.output
    after = json.loads(out.read_text())
    assert after[:3] == before
    assert [result["seed"] for result in after[3:]] == [2, 3]
    text = paper.read_text(encoding="utf-8")
    assert "one → two" in text
    assert "lenet5-modified (3 seeds)" in text
    assert text.startswith("# Prose stays")


@pytest.mark.slow
def test_the_card_of_the_shipped_model_is_measured(sets: list[str], paper: Path) -> None:
    """Every part must be replaced and both kinds of plot written beside the card."""
    keys = [f"{name}/{number:03}.png" for name in CLASSES for number in range(20)]
    lines = [
        f"one,one/{key},{'FM'[at % 2]},Mouth_Slightly_Open={at // 2 % 2}"
        for at, key in enumerate(keys)
    ]
    (paper.parent.parent / "labels.csv").write_text("\n".join(["set,path,sex,attrs", *lines]))
    shipped = str(resources.path(SHIPPED))
    options = ["--card", str(paper), "--kept-out-share", "0.5", "--before", shipped]
    result = CliRunner().invoke(card, [*sets, *options])
    assert result.exit_code == 0, result.output
    text = paper.read_text(encoding="utf-8")
    assert text.count("\nold\n") == 1
    assert "worst mild" in text
    assert "| sex | female |" in text
    assert "smiles with closed lips found" in text
    assert "AUC before" in text
    assert {p.name for p in paper.parent.glob("*.svg")} == {
        "trade.svg", "stress-one.svg", "stress-two.svg",
    }  # fmt: skip


def test_a_card_without_the_part_is_left_alone(paper: Path) -> None:
    """A part that isn't there must be named, not appended somewhere."""
    with pytest.raises(ModelError, match="has no part"):
        model_card.replace_part(paper, "weather", "fine")
