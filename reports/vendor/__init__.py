"""Front-end libraries of other people, as `nox -s vendor` built them: <name>.js beside licences and hashes."""

from __future__ import annotations

import base64
import gzip
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def packed(name: str) -> str:
    """Return a library compressed, as base64 text."""
    return base64.b64encode(gzip.compress((HERE / f"{name}.js").read_bytes(), mtime=0)).decode()
