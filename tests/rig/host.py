"""What the rig takes from the machine that it runs on: its cache, its packages, its mirror."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smile-gate-rig"
"""What is slow to build is kept here, about 3 GB; delete it to build anew."""


class Missing(Exception):
    """What a part needs is not on this machine: its steps are skipped, never passed."""


class Failed(Exception):
    """A step did not do what it must; the text says what was seen."""


def say(text: str) -> None:
    """Tell the person who waits, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def run(*words: str | Path, log: Path | None = None, **others: str) -> str:
    """Run a host's command and give what it printed. Raises `Failed` with its last lines."""
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **others},
    )
    if log is not None:
        log.write_text(done.stdout)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise Failed(f"{' '.join(map(str, words[:4]))} … ended with {done.returncode}:\n{tail}")
    return done.stdout


def need(packages: dict[str, str]) -> None:
    """Install the packages of which the named file is not there. Raises `Missing`."""
    absent = [name for name, file in packages.items() if not Path(file).exists()]
    if not absent:
        return
    if os.geteuid() != 0:
        raise Missing(f"only root can install {' '.join(absent)}")
    say(f"apt-get install {' '.join(absent)}")
    try:
        run("apt-get", "update", "-qq")
        quiet = ("-y", "-qq", "--no-install-recommends")
        run("apt-get", "install", *quiet, *absent, DEBIAN_FRONTEND="noninteractive")
    except (Failed, OSError) as error:
        raise Missing(f"no {' '.join(absent)}: {error}") from None


def archive(release: str) -> str | None:
    """The address that this machine's apt has for a release of Debian; None if it has none."""
    listing = run(
        *("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"),
        "Created-By: Packages",
    )
    for line in listing.splitlines():
        name, _, address = line.partition(" ")
        if name == release:
            return address
    return None


def debian() -> str:
    """The mirror of Debian that this machine uses. Raises `Missing`."""
    for release in ("bookworm", "trixie", "forky", "bullseye"):
        found = archive(release)
        if found is not None:
            return found
    raise Missing("this machine's apt knows no Debian archive (apt-get update?)")


def fingerprint(*facts: object) -> str:
    """What a build was made from; another fingerprint, another build."""
    return hashlib.sha256(json.dumps([str(fact) for fact in facts]).encode()).hexdigest()
