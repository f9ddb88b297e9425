"""The rig: the gate under a real systemd, on a real kernel's lines, in a real aarch64 userland.

``make rig`` or ``python -m tests.rig [service|gpio|arm64 ...]``; it needs root and Debian.
"""
