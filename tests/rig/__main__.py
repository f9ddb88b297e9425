"""Run the rig: ``python -m tests.rig [PART ...]``; all parts without a name."""

from __future__ import annotations

import importlib
import sys

from tests.rig.host import ROOT, Failed, Missing
from tests.rig.table import Table

PARTS = ("service", "operations", "trixie", "gpio", "arm64")


def main(names: list[str]) -> int:
    """Run the named parts, print the table and write it to build/rig/; 1 if a step failed."""
    unknown = set(names) - set(PARTS)
    if unknown:
        print(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}",
            file=sys.stderr,
        )
        return 2
    table = Table()
    for name in names or PARTS:
        part = importlib.import_module(f"tests.rig.{name}")
        try:
            table.part(name, part.steps())
        except Missing as error:
            table.skip(name, "all of it", str(error))
        except Failed as error:
            table.fail(name, "to build and boot it", str(error))
    folder = ROOT / "build" / "rig"
    table.write(folder)
    print(f"\n{table.markdown()}\nalso in {folder.relative_to(ROOT)}/")
    for line in table.failed:  # last, where a log that was cut still shows them
        print(f"{line.result}  {line.part}: {line.step}: {line.seen}")
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
