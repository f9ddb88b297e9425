"""Secrets of the settings: named there as ``${NAME}``, kept elsewhere, shown nowhere.

Source: systemd.exec(5), "Credentials": a service finds them as files in ``$CREDENTIALS_DIRECTORY``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gate.errors import CameraError

_NAME = re.compile(r"\$\{([^}]*)\}")
_USER = re.compile(r"(?<=://)[^/@\s]*(?:@[^/@\s]*)*@")
_QUERY = re.compile(
    r"([?&;/_](?:pass(?:word|wd|phrase)?|pwd|pw|psw|loginpas|secret|(?:access_?)?token|(?:api_?)?key|auth)=)"
    r"([^&;_\s]*)",
    re.IGNORECASE,
)
"""Names under which cameras take a password in the address's path or query."""


def resolve(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text with each ``${NAME}`` replaced by its secret, percent-encoded within an address.

    Raises `CameraError` where a secret is missing; the message names it, never its value.
    """
    within = "://" in text

    def secret(match: re.Match[str]) -> str:
        value = _look_up(match[1], environ)
        return quote(value, safe="") if within else value

    return _NAME.sub(secret, text)


def _look_up(name: str, environ: Mapping[str, str]) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise CameraError(f"camera.source: '${{{name}}}' is no name of a secret; write ${{NAME}}")
    if folder:
        try:
            return (Path(folder) / name).read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError):
            raise CameraError(f"camera.source: the credential {name} cannot be read") from None
    if environ.get(name):
        return environ[name]
    raise CameraError(
        f"camera.source: the secret {name} is missing; give the service LoadCredential={name}:FILE"
        " or an EnvironmentFile= that sets it"
    )


def masked(text: str) -> str:
    """The text with user, password and secret parameters of every address masked."""
    return _QUERY.sub(r"\1***", _USER.sub("***@", text))


def holds_secret(text: str) -> bool:
    """Whether an address has a password in plain text, in place of ``${NAME}``."""
    words = [user.partition(":")[2].removesuffix("@") for user in _USER.findall(text)]
    words += [match[2] for match in _QUERY.finditer(text)]
    return any(word and not _NAME.search(word) for word in words)
