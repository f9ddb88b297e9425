"""Secrets of the settings: named there as ``${NAME}``, kept elsewhere, shown nowhere.

Source: systemd.exec(5), "Credentials": a service finds them as files in ``$CREDENTIALS_DIRECTORY``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from gate.errors import CameraError

_NAME = re.compile(r"\$\{([^}]*)\}")
_ADDRESS = re.compile(r"(?<=://)[^\n]*?(?=[a-z][a-z0-9+.-]{0,15}://|\n|$)", re.IGNORECASE)
"""What follows a scheme, up to the next address or the end of the line: secrets have blanks too."""
_LOGIN = re.compile(r"[^/?#@]*(?:@[^/?#@]*)*@|[^/?#@\[:]*:(?![0-9]{1,5}(?:[/?#\s]|$))[^@]*@")
"""User and password: all before an ``@``; past a ``/`` where what is before it is no host:port."""
_PAIR = re.compile(
    r"(?P<start>[?&;#/_]|%26)(?P<key>[^?&;#/=%\s_][^?&;#/=\s]{0,63}?)(?P<is>=|%3D)"
    r"(?P<value>(?:(?![&;?#/]|%26|_[A-Za-z]+=).)*)",
    re.IGNORECASE,
)
"""A name and its value, in the query or, as some cameras want it, in the path."""
_WORD = re.compile(r"(?P<start>[?&;#])(?P<value>[^=&;#%/\s]+)(?=[&;#\s]|$)")
"""A part of the query without a name."""
_RANDOM = re.compile(
    r"(?<=/)(?=[A-Za-z-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,}(?=[/?#\s]|$)"
)
"""A step of the path that nobody would choose as a name."""
_SECRET = re.compile(
    r"(?:p|pw|pwd|psw|psk|pass|auth|key|sig|jwt|bearer|loginpas|usr?pwd)"
    r"|[^/?#=\s]{0,40}[_.-](?:pass|key|auth)"
    r"|(?:api|access|auth|stream|private|shared|secret|user|x)-?key"
    r"|(?:user|login|cam|camera|admin|web)pass"
    r"|auth(?:orization|entication|code|orisation)"
    r"|[^/?#=\s]{0,40}(?:password|passwd|passphrase|passkey|passcode|pword|secret|token|credentials?|signature)",
    re.IGNORECASE,
)
"""Names under which cameras take a secret."""
_STEP = re.compile(rf"(?P<start>/(?:{_SECRET.pattern})/)(?P<value>[^/?#\s]+)", re.IGNORECASE)
"""A step of the path that has such a name, and the one after it."""
_HARMLESS = frozenset(
    {
        *("user", "username", "usr", "channel", "chn", "ch", "stream", "streamtype", "subtype"),
        *("profile", "resolution", "res", "width", "height", "w", "h", "size", "fps", "framerate"),
        *("rate", "quality", "compression", "codec", "videocodec", "video", "audio", "camera"),
        *("cam", "source", "input", "format", "type", "mode", "proto", "transport", "unicast"),
        *("tcp", "udp", "rotation", "overview", "onvif", "live", "main", "sub", "enablesrtp"),
    }
)
"""Names of an address whose values may be shown."""
_PLAIN = re.compile(r"[0-9]{1,4}|[0-9]{1,4}x[0-9]{1,4}|true|false|yes|no|on|off", re.IGNORECASE)
"""Values that are no secret under any other name."""


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
    """The text with ``***`` for what may be secret in the addresses that it holds.

    When in doubt it hides: user and password; of query and path each value whose name is not known
    to be harmless, unless it is a small number; what follows a step like ``/token/``, and steps
    that look like chance. Words that follow an address in the same line may be hidden with it.
    """
    return _ADDRESS.sub(lambda match: _masked(match[0]), text)


def holds_secret(text: str) -> bool:
    """Whether an address has a secret in plain sight, where ``${NAME}`` should stand.

    Only what is one for sure: a password before the ``@``, or what a name says to be secret.
    """
    return any(
        value and not _NAME.search(value)
        for match in _ADDRESS.finditer(text)
        for value in _plain_secrets(match[0])
    )


def _masked(address: str) -> str:
    def pair(match: re.Match[str]) -> str:
        name, value = _plain_name(match["key"]), match["value"]
        known = name.lower() in _HARMLESS or _PLAIN.fullmatch(value)
        if not value or (known and not _SECRET.fullmatch(name)):
            return match[0]
        return f"{match['start']}{match['key']}{match['is']}***"

    def word(match: re.Match[str]) -> str:
        value = match["value"]
        known = value.lower() in _HARMLESS or _PLAIN.fullmatch(value) or value.endswith("***")
        return match[0] if known else f"{match['start']}***"

    login = _LOGIN.match(address)
    rest = address[login.end() :] if login else address
    rest = _WORD.sub(word, _PAIR.sub(pair, rest))
    rest = _RANDOM.sub("***", _STEP.sub(r"\g<start>***", rest))
    return f"***@{rest}" if login else rest


def _plain_secrets(address: str) -> Iterator[str]:
    """The values of an address that are secret for sure."""
    login = _LOGIN.match(address)
    rest = address[login.end() :] if login else address
    if login:
        yield _plain_name(login[0][:-1]).partition(":")[2]
    for pair in _PAIR.finditer(rest):
        if _SECRET.fullmatch(_plain_name(pair["key"])):
            yield pair["value"]
    yield from (step["value"] for step in _STEP.finditer(rest))


def _plain_name(text: str) -> str:
    """The text without percent-encoding, of which there may be two layers."""
    return unquote(unquote(text))
