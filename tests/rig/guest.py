"""What a container and a virtual machine share: commands go in, what they say comes out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.rig.host import Failed


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed, both streams together."""

    code: int
    text: str


class Guest(ABC):
    """A booted Debian. Use it with ``with``."""

    boot_s: float
    """Seconds from power on to a settled systemd."""

    @abstractmethod
    def _execute(self, command: str, limit_s: float) -> Said:
        """Run a command in bash, as root; the code is 124 if it took longer."""

    @abstractmethod
    def close(self) -> None:
        """Halt it; may be called twice."""

    def run(self, command: str, *, limit_s: float = 120, check: bool = True) -> Said:
        """Run a command; `Failed` with its last lines unless it exits with 0."""
        said = self._execute(command, limit_s)
        if check and said.code:
            tail = "\n".join(said.text.splitlines()[-12:])
            raise Failed(f"`{command[:120]}` ended with {said.code}:\n{tail}")
        return said

    def ask(self, command: str, *, limit_s: float = 120) -> str:
        """What a command prints, without the last line break. Raises `Failed`."""
        return self.run(command, limit_s=limit_s).text.strip()

    def wait(self, what: str, command: str, good: Callable[[str], bool], limit_s: float) -> float:
        """Ask again and again until the answer is good; gives the seconds. Raises `Failed`."""
        begun = time.monotonic()
        while True:
            answer = self.run(command, check=False).text.strip()
            passed = time.monotonic() - begun
            if good(answer):
                return passed
            if passed > limit_s:
                raise Failed(f"{what}: not within {limit_s:g} s; last seen: {answer[-300:]}")
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
