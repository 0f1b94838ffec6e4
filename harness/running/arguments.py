"""What a user writes of a run, read: frameworks and modes, a device, a part of the whole, an id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from harness.adapters import frameworks
from harness.spelling import meant, pieces, try_instead
from harness.store import nouns


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Read `torch,jax:jit` as ((torch, ""), (jax, jit)), and `all` as none.

    Raises ValueError for a framework there is no adapter of, and for a mode that its adapter says it has not.
    """
    found = []
    for part in pieces(text):
        framework, colon, mode = part.partition(":")
        if "/" in framework:
            framework = frameworks.program(framework)
        if framework not in frameworks.every():
            likely = meant(framework, frameworks.every())
            raise ValueError(
                f"--on is {part!r}, expected one of {', '.join(frameworks.every())}, or a program's path with a /, "
                "each with an optional :mode" + try_instead(likely and f"{likely}{colon}{mode}")
            )
        if mode and (known := frameworks.modes(framework)):
            known_mode(framework, mode, known)
        found.append((framework, mode))
    return tuple(found)


def interpreters(written: Sequence[str]) -> dict[str, str]:
    """Read `mlx=/path/bin/python` as {mlx: /path/bin/python}.

    Raises ValueError for a framework there is no adapter of, and for a file that is not there.
    """
    found = {}
    for text in written:
        name, _, path = text.partition("=")
        if name not in frameworks.every() or not Path(path).is_file():
            raise ValueError(
                f"--python is {text!r}, expected NAME=PATH, a name as --on takes it and an interpreter that is there"
            )
        found[name] = path
    return found


def known_mode(framework: str, mode: str, known: tuple[str, ...]) -> None:
    """Raise ValueError for a mode that a framework has not."""
    if mode not in known:
        likely = meant(mode, known)
        raise ValueError(
            f"--on is '{framework}:{mode}', expected one of the modes {', '.join(known)}"
            + try_instead(likely and f"{framework}:{likely}")
        )


def device(text: str) -> str:
    """Read a device, `all` as none. Raises ValueError for what no framework would know."""
    if not re.fullmatch(r"(all|cpu|cuda(:\d+)?)?", text):
        likely = meant(text, ("cpu", "cuda"))
        raise ValueError(f"--device is {text!r}, expected one of cpu, cuda, cuda:N{try_instead(likely)}")
    return "" if text == "all" else text


def shard(text: str) -> tuple[int, int]:
    """Read `2/4` as (2, 4). Raises ValueError for what is no part of a whole."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text or "1/1", re.ASCII)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise ValueError(f"--shard is {text!r}, expected i/n with i from 1 to n; try: --shard 1/4")
    return part, parts


def run_uid(text: str) -> str:
    """Read the id of a run. Raises ValueError for one that could not be told from other ways to name a run."""
    if not nouns.UID.fullmatch(text):
        raise ValueError(
            f"--run-uid is {text!r}, expected up to 80 letters, digits, dots, hyphens and underscores, not `latest`; "
            "try: --run-uid ci-$GITHUB_RUN_ID"
        )
    return text
