"""A kernel with GPIO lines: Debian's own, and gpio-sim, which no Debian kernel has, built for it.

Source: Linux, Documentation/admin-guide/gpio/gpio-sim.rst; drivers/gpio/gpio-sim.c.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.rig.host import CACHE, Failed, Missing, fingerprint, need, run, say
from tests.rig.userland import BOOKWORM

FOLDER = CACHE / "kernel"
EARLY = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
"""Modules that mount the root disk, in an order that loads."""
LATE = ("virtio_console", "vivid", "configfs", "gpio-sim")
TOOLS = {
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "qemu-utils": "/usr/bin/qemu-img",
    "nbdkit": "/usr/bin/nbdkit",
    "e2fsprogs": "/sbin/mke2fs",
    "kmod": "/sbin/depmod",
    "busybox-static": "/bin/busybox",
    "cpio": "/usr/bin/cpio",
    "xz-utils": "/usr/bin/xz",
    "gcc": "/usr/bin/gcc",
    "make": "/usr/bin/make",
}
INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for m in $($b cat /order); do $b insmod /modules/$m; done
n=0; while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do $b sleep 0.1; n=$((n + 1)); done
$b mount -t ext4 -o rw /dev/vda /new
for d in dev proc sys; do $b mount --move /$d /new/$d; done
exec $b switch_root /new /lib/systemd/systemd
"""
PERSIST = """
static bool persist;
module_param(persist, bool, 0644);
"""
"""gpio-sim puts a line that is given up back to its pull; a Pi may keep driving it: persist=1."""
AGENT = '''\
#!/usr/bin/python3 -I
"""Runs what comes over the virtio port, as JSON lines: command and limit in, code and text out."""
import json, os, subprocess
port = open("/dev/virtio-ports/rig", "r+b", buffering=0)
port.write(b'{"hello": 1}\\n')
line = b""
while True:
    line += port.read(65536) or b""
    while b"\\n" in line:
        asked, line = line.split(b"\\n", 1)
        asked = json.loads(asked)
        done = subprocess.run(
            ["timeout", "-k", "5", str(asked["limit"]), "bash", "-c", asked["command"]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/root",
            env={"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"})
        said = {"code": done.returncode, "text": done.stdout.decode(errors="replace")}
        data = json.dumps(said).encode() + b"\\n"
        while data:
            data = data[port.write(data):]
'''
AGENT_UNIT = """\
[Unit]
Description=runs the rig's commands
After=systemd-tmpfiles-setup.service
[Service]
ExecStartPre=/sbin/modprobe virtio_console
ExecStartPre=/bin/sh -c 'until test -e /dev/virtio-ports/rig; do sleep 0.2; done'
ExecStart=/usr/local/sbin/rig-agent
[Install]
WantedBy=default.target
"""


def build() -> Path:
    """Build kernel, first disk and root disk unless they are there. Raises `Missing`, `Failed`."""
    need(TOOLS)
    root = BOOKWORM.build()
    stamp = FOLDER / "stamp"
    want = fingerprint(5, INIT, AGENT, AGENT_UNIT, PERSIST, EARLY, LATE, BOOKWORM)
    if stamp.exists() and stamp.read_text() == want:
        return FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    image = _image()
    version = image.removeprefix("linux-image-")
    series = ".".join(version.split(".")[:2])
    need({f"linux-headers-{version}": f"/lib/modules/{version}/build/Makefile"})
    say(f"kernel {version} and its gpio-sim")
    packages = FOLDER / "packages"
    packages.mkdir()
    run("sh", "-c", f"cd {packages} && apt-get download -qq {image} linux-source-{series}")
    tree = FOLDER / "tree"
    run("dpkg-deb", "-x", next(packages.glob("linux-image-*.deb")), tree)
    _gpio_sim(packages, series, version, tree)
    run("depmod", "-b", tree, version)
    _first_disk(tree, version)
    shutil.copy(tree / "boot" / f"vmlinuz-{version}", FOLDER / "vmlinuz")
    _root_disk(root, tree, version)
    for folder in (packages, tree, FOLDER / "source", FOLDER / "initrd", FOLDER / "system"):
        shutil.rmtree(folder, ignore_errors=True)
    stamp.write_text(want)
    return FOLDER


def _image() -> str:
    """The package of Debian's present kernel."""
    listed = run("apt-cache", "depends", "linux-image-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", listed)
    if found is None:
        raise Missing("this machine's apt has no linux-image-amd64")
    return found[1]


def _gpio_sim(packages: Path, series: str, version: str, tree: Path) -> None:
    """Build the module from Debian's kernel source, with the simulated interrupts that it needs."""
    source = FOLDER / "source"
    source.mkdir()
    wanted = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")
    names = " ".join(f"linux-source-{series}/{name}" for name in wanted)
    package = next(packages.glob("linux-source-*.deb"))
    run(
        *("sh", "-c"),
        f"dpkg-deb --fsys-tarfile {package} | tar xO ./usr/src/linux-source-{series}.tar.xz"
        f" | xz -dc | tar x -C {source} --strip-components=1 {names}",
    )
    place = source / "module"
    place.mkdir()
    shutil.copy(source / wanted[1], place)
    interrupts = (source / wanted[2]).read_text()
    # irq_to_desc() is not exported to modules; generic_handle_irq() finds and handles it as well.
    interrupts = interrupts.replace(
        "handle_simple_irq(irq_to_desc(irqnum))", "generic_handle_irq(irqnum)"
    )
    (place / "irq_sim.c").write_text(interrupts)
    code = (source / wanted[0]).read_text()
    head = '#include "gpiolib.h"\n'
    code = code.replace(head, head + PERSIST, 1)
    begin = code.index("static void gpio_sim_free(")
    lock = code.index("\tmutex_lock", begin)
    code = f"{code[:lock]}\tif (persist)\n\t\treturn;\n\n{code[lock:]}"
    (place / "gpio-sim-main.c").write_text(code)
    (place / "Makefile").write_text(
        "obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-main.o irq_sim.o\n"
    )
    run("nice", "make", "-s", "-C", f"/lib/modules/{version}/build", f"M={place}", "modules")
    target = tree / "lib/modules" / version / "extra"
    target.mkdir()
    shutil.copy(place / "gpio-sim.ko", target)


def _modules(tree: Path, version: str, name: str) -> Iterator[Path]:
    """The files of a module and of those it needs, in the order to load them."""
    said = subprocess.run(
        ["modprobe", "-d", tree, "-S", version, "--show-depends", name],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in said.stdout.splitlines():
        if line.startswith("insmod "):
            yield Path(line.split()[1])


def _first_disk(tree: Path, version: str) -> None:
    """The initramfs: it loads what the root disk needs, mounts it and hands over to systemd."""
    place = FOLDER / "initrd"
    for name in ("bin", "proc", "sys", "dev", "new", "modules"):
        (place / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", place / "bin")
    order: list[str] = []
    for module in EARLY:
        for path in _modules(tree, version, module):
            if path.name not in order:
                order.append(path.name)
                shutil.copy(path, place / "modules")
    (place / "order").write_text("\n".join(order) + "\n")
    (place / "init").write_text(INIT)
    (place / "init").chmod(0o755)
    packed = subprocess.run(
        ["sh", "-c", f"cd {place} && find . | cpio --quiet -o -H newc"],
        capture_output=True,
        check=True,
    )
    (FOLDER / "initrd.gz").write_bytes(gzip.compress(packed.stdout, 1))


def _root_disk(root: Path, tree: Path, version: str) -> None:
    """The userland with the modules and the agent, as an ext4 image."""
    say("the virtual machine's disk")
    system = FOLDER / "system"
    run("cp", "-a", root, system)
    library = system / "usr/lib/modules" / version
    library.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(tree / "lib/modules" / version / name, library)
    for module in LATE:
        for path in _modules(tree, version, module):
            target = system / "usr" / path.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    run("depmod", "-b", system, version)
    agent = system / "usr/local/sbin/rig-agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    units = system / "etc/systemd/system"
    (units / "rig-agent.service").write_text(AGENT_UNIT)
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "rig-agent.service").symlink_to("../rig-agent.service")
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    (system / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 0\n")
    image = FOLDER / "root.raw"
    run("truncate", "-s", "3G", image)
    run("mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", system, image)
    if not image.exists():
        raise Failed("no disk image")
