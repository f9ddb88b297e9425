"""All targets, by name."""

from __future__ import annotations

from tests.fuzz.cards import CARDS
from tests.fuzz.exports import EXPORTS
from tests.fuzz.logs import LOGS
from tests.fuzz.pictures import PICTURES
from tests.fuzz.requests import REQUESTS
from tests.fuzz.settings import SETTINGS
from tests.fuzz.state_files import STATE_FILES
from tests.fuzz.target import Target
from tests.fuzz.times import TIMES

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (SETTINGS, CARDS, EXPORTS, LOGS, REQUESTS, PICTURES, STATE_FILES, TIMES)
}
