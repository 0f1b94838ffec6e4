"""Front-end libraries of other people, as `nox -s vendor` built them: <name>.js beside licences and hashes."""

from __future__ import annotations

import base64
import gzip
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def source(name: str) -> str:
    """Return a library with the licences of all that is in it: whoever has it has those."""
    licences, code = ((HERE / f"{name}{end}").read_text("utf-8") for end in (".licences.txt", ".js"))
    return f"/*\n{licences}*/\n{code}"


@cache
def pack(name: str) -> str:
    """Return a library compressed, as base64 text."""
    return base64.b64encode(gzip.compress(source(name).encode(), mtime=0)).decode()
