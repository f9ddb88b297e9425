"""Words of people and other programs: what of them is kept, and how they are shown."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's classes of signs that steer a terminal or a reader instead of being read: control
signs, format signs (zero width, right to left), lone surrogates, line and paragraph separators."""


def printable(text: str) -> str:
    """The text with '?' for each sign that can't be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def escaped(text: str) -> str:
    r"""The text with an escape such as ``\u001b`` for each sign that can't be seen.

    Within a JSON string it is the same string to whoever reads it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escape(sign) if unicodedata.category(sign) in _UNSEEN else sign for sign in text
    )


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
