"""Words can't steer a terminal: neither those that are kept, nor those that are shown."""

from __future__ import annotations

import json
import unicodedata

import pytest

from gate.core.text import escaped, printable

STEERING = (
    "\x1b[2J",
    "a\nb",
    "a\x9b31m",
    "\u202eabc",
    "a\u2028b",
    "a\u200bb",
    "\ufeff",
    "\0",
    "\udc80",
)


@pytest.mark.parametrize("text", STEERING)
def test_nothing_unseen_is_kept_or_shown(text: str) -> None:
    """Control, format and separator signs become '?' when kept, an escape when shown."""
    for seen in (printable(text), escaped(text)):
        classes = {unicodedata.category(sign) for sign in seen}
        assert not classes & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(printable(text)) == len(text)
    assert json.loads(f'"{escaped(text)}"') == text


@pytest.mark.parametrize("text", ["", "anna", "Žofie | 'x'", "[/x] cleaning", "日本語 🙂"])
def test_what_can_be_seen_stays(text: str) -> None:
    """Letters, marks and emoji of any script are kept and shown as they are."""
    assert printable(text) == escaped(text) == text
