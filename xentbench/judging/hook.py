"""Judge those of some files that hold marked functions, for hooks: `python -m xentbench.judging.hook [OPTIONS] FILES`.

pre-commit names every changed file in one call. A file without a function to judge passes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MARK = re.compile(rb"^\s*@(?:\w+\.)*implements\(", re.MULTILINE)


def main(words: Sequence[str]) -> int:
    """Judge each file in a process of its own; return the first exit code that is not 0, after all are judged.

    words: options of `xentbench judge`, and files.
    """
    files = [word for word in words if word.endswith(".py")]
    options = [word for word in words if word not in files]
    command = (sys.executable, "-m", "xentbench", "judge", *options)
    codes = [subprocess.run((*command, file), check=False).returncode for file in files if marked(Path(file))]
    return next((code for code in codes if code), 0)


def marked(path: Path) -> bool:
    """Tell whether a file, of any encoding, marks a function by `@implements`; one not there the judge refuses."""
    return not path.is_file() or MARK.search(path.read_bytes()) is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
