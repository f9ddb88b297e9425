"""What the README, and the pages that it sends people to first, say is tried."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from gate.cli import group
from gate.replay import demo_clip
from tests.daemons import Manager, WriteConfig, running
from tests.pages import commands as told

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """The lines of all shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """A folder with the files that the README's examples name."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(clip, folder / "queue.mp4")
    (folder / "gate.yaml").write_text(
        "camera: {source: queue.mp4}\nrelay: {pin_factory: mock}\nstore: {path: audit.db}\n"
        "control: {socket: null}\n"
    )
    (folder / "photos").mkdir()
    cv2.imwrite(str(folder / "photos" / "smile.jpg"), demo_clip.photo())
    return folder


def operating() -> list[str]:
    """The lines of the operators' page that talk to a running gate each day."""
    page = told(ROOT / "docs" / "operations.md")
    return [one.line for one in page if one.section == "Every day"]


def trying() -> list[str]:
    """The lines for people with recordings, of the README and of their own page."""
    page = [one.line for one in told(ROOT / "docs" / "recordings.md")]
    lines = [line for line in [*commands(), *page] if line.startswith("smile-gate")]
    return [line for line in lines if not line.startswith(("smile-gate bench", "smile-gate run"))]


def test_the_commands_for_operators_work_in_their_order(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """Every line of the section, asked of a gate that runs, exits with 0."""
    environ = {"SMILE_GATE_SOCKET": str(tmp_path / "control.sock")}
    assert len(operating()) >= 5
    # No guest is let in before the operator opens by hand.
    with running(write_config(camera={"loop": True}, smile={"frames": 600}), manager):
        manager.wait_for("READY=1")
        for line in operating():
            result = CliRunner(env=environ).invoke(group, shlex.split(line)[1:])
            assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"


@pytest.mark.slow
def test_the_commands_for_users_work_in_their_order(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every `smile-gate` line for users, run as it stands, exits with 0."""
    monkeypatch.chdir(desk)
    assert len(trying()) >= 8
    for line in trying():
        words, _, target = line.partition(" > ")
        result = CliRunner().invoke(group, shlex.split(words)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
        if target:
            (desk / "new.yaml").write_text(result.stdout)


def test_every_other_command_is_one_that_is_known() -> None:
    """The rest is the system's: make targets that exist, and the installation on a Pi."""
    makefile = (ROOT / "Makefile").read_text()
    for line in commands():
        words = shlex.split(line)
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)
        else:
            assert words[0] in ("sudo", "smile-gate", "git"), line


def test_the_files_that_are_named_exist() -> None:
    """Links and files in the text lead somewhere."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for target in re.findall(r"`((?:gate|config|systemd|docs|models|tests)/[\w./-]+)`", README):
        assert (ROOT / target).exists(), target


def test_the_page_is_short() -> None:
    """Below 900 words: what else there is to say stands on the pages of docs/."""
    assert len(README.split()) < 900


def test_every_page_is_reached() -> None:
    """Each page of docs/ is named in the README, and the picture comes before the first word."""
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name
    lines = itertools.islice((line for line in README.splitlines() if line), 2)
    assert "![" in list(lines)[1]


def test_the_settings_are_the_real_ones() -> None:
    """Every `section.setting` that is named exists."""
    from gate.config import Config

    for section, name in re.findall(r"`(\w+)\.(\w+)[`:]", README):
        if section not in ("gate", "README"):
            assert name in type(getattr(Config(), section)).model_fields, f"{section}.{name}"
