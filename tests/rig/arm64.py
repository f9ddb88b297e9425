"""The program in aarch64 userlands, Bookworm and Trixie, under emulation."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.rig import emulation, userland, wheels
from tests.rig.guest import Said
from tests.rig.host import ROOT, Failed
from tests.rig.project import clip
from tests.rig.table import Step

PARTS = ("gate", "models", "config", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
EXTRAS = {"bookworm": ("metrics", "pi"), "trixie": ("metrics",)}
"""lgpio 0.2.2.0 has no aarch64 wheel for 3.13; a Pi takes its system's python3-lgpio."""


def steps() -> Iterator[Step]:
    """The steps of both releases."""
    emulation.register()
    for release in userland.ARM64:
        board = Board(release)
        yield Step(f"{release}: the packages install, from wheels alone", board.install)
        yield Step(f"{release}: what they bring imports", board.imports)
        yield Step(f"{release}: replay grants on the demo's clip", board.replay)


class Board:
    """One release's userland, with a virtual environment for the program."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._root = Path()

    def install(self) -> str:
        self._root = userland.ARM64[self._release].build()
        target = wheels.ARM64[self._release]
        folder = wheels.fetch(target, *EXTRAS[self._release])
        source = self._root / "srv/source"
        for name in ("srv/source", "srv/wheels", "opt/gate"):
            shutil.rmtree(self._root / name, ignore_errors=True)
        source.mkdir(parents=True)
        for part in (*PARTS, "constraints.txt"):
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, source / part, symlinks=True)
            else:
                shutil.copy(ROOT / part, source)
        shutil.copytree(folder, self._root / "srv/wheels")
        shutil.copy(clip(), self._root / "srv/clip.avi")
        self._run("python3 -m venv /opt/gate", 300)
        what = f"/srv/source[{','.join(EXTRAS[self._release])}]"
        self._run(
            "/opt/gate/bin/pip install --quiet --no-compile --no-input --no-index"
            " --disable-pip-version-check --find-links /srv/wheels"
            f" --constraint /srv/source/constraints.txt '{what}'",
            900,
        )
        said = self._run("uname -m; /opt/gate/bin/python -V", 60).text.split()
        return " ".join(said)

    def imports(self) -> str:
        modules = (
            "cv2, numpy, sqlalchemy, apscheduler, gpiozero, pydantic, yaml, gate.service.daemon"
        )
        if "pi" in EXTRAS[self._release]:
            modules += ", lgpio"
        code = f"import {modules}; print('numpy', numpy.__version__, 'cv2', cv2.__version__)"
        return self._run(f'cd / && /opt/gate/bin/python -c "{code}"', 300).text.strip()

    def replay(self) -> str:
        said = self._run("cd / && /opt/gate/bin/smile-gate replay /srv/clip.avi --json", 600)
        lines = [line for line in said.text.splitlines() if line.startswith("{")]
        summary = json.loads(lines[-1])["summary"]
        if summary["grants"] != 1:
            raise Failed(f"{summary['grants']} grants, expected 1")
        ms = summary["ms_per_frame"]["mean"]
        return f"1 granted; {ms:.0f} ms a frame under emulation"

    def _run(self, command: str, limit_s: float) -> Said:
        variables = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        namespace = ("unshare", "--mount", "--pid", "--fork", f"--root={self._root}")
        done = subprocess.run(
            [
                *("timeout", "-k", "5", str(limit_s), *namespace, "--mount-proc=/proc"),
                *("env", "-i", *variables, "PYTHONDONTWRITEBYTECODE=1", "bash", "-c", command),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        if done.returncode:
            tail = "\n".join(text.splitlines()[-8:])
            raise Failed(f"`{command[:60]}…` ended with {done.returncode}:\n{tail}")
        return Said(done.returncode, text)
