"""Make the coverage map of one surface in this process, and print it as JSON; `--write` keeps it in the repository."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from harness.coverage.kept import Map
from harness.coverage.table import table


def main(name: str, *options: str) -> None:
    """Set up the process for the surface before anything of it is imported."""
    os.environ.update(table().surface(name).environment)
    from harness.adapters.fence import NotInstalled  # noqa: PLC0415 - imports numpy
    from harness.coverage.surface import surveyed  # noqa: PLC0415 - imports frameworks

    write = "--write" in options
    try:
        made = surveyed(name, None if write else Map.read(name))
    except NotInstalled as missing:
        sys.stdout.write(json.dumps({"missing": str(missing)}))
        return
    if write:
        made.write()
    else:
        sys.stdout.write(json.dumps(asdict(made)))


if __name__ == "__main__":
    main(*sys.argv[1:])
