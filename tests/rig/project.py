"""What goes into a guest: the checkout, the wheels, a clip as camera, settings."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.rig.guest import Guest
from tests.rig.host import CACHE, ROOT, Failed, Missing

SOURCE = "/srv/smile-gate"
WHEELS = "/srv/wheels"
CLIP = "/srv/clip.avi"
CONFIG = "/etc/smile-gate/gate.yaml"
LOG = "/var/lib/smile-gate/audit.db"
INSTALL = f"{SOURCE}/systemd/install.sh --yes --wheels {WHEELS}"


def clip() -> Path:
    """The demo's clip, rendered here: a guest who is granted, a visitor who is not."""
    path = CACHE / "clip.avi"
    if not path.exists():
        from gate.errors import GateError
        from gate.replay import demo_clip

        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_name("part.avi")
        try:
            demo_clip.write(part)
        except GateError as error:
            raise Missing(str(error)) from None
        part.rename(path)
    return path


def slow_clip(path: Path) -> None:
    """The same clip at two frames a second, for a processor that is emulated."""
    from contextlib import closing

    from gate.hardware.picture_files import VideoFile
    from gate.replay import demo_clip

    with closing(VideoFile(path, 2)) as video:
        for frame in demo_clip.render():
            video.write(frame)


def deliver(srv: Path, wheels: Path) -> None:
    """Put checkout, wheels and clip into a folder that is the guest's /srv."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    if listed.returncode:
        raise Failed("the rig runs from a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            place = srv / "smile-gate" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place, follow_symlinks=False)
    shutil.copytree(wheels, srv / "wheels")
    shutil.copy(clip(), srv)


def configure(guest: Guest, text: str) -> None:
    """Write the gate's settings."""
    guest.run(f"mkdir -p /etc/smile-gate && cat > {CONFIG} <<'END'\n{text}END")


def ask_log(query: str, database: str = LOG) -> str:
    """The command that asks the log, or a copy; read-only, beside the running gate."""
    code = f"connect('file:{database}?mode=ro', uri=True).execute(\"{query}\").fetchone()[0]"
    return f"python3 - <<'END'\nfrom sqlite3 import connect\nprint({code})\nEND"
