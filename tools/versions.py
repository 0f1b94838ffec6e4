"""Ask releases of a framework the same and compare them, each in an environment of its own: `nox -s versions`.

    python tools/versions.py jax==0.9.2 jax==0.10.2 jax==0.12.0.1 [options]

Every release is resolved, and every environment made, before anything is asked. All have one Python where one is
supported by all, so that less differs between two releases than the release.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

UNDER_TEST = {  # package -> its framework, and the extras that bring what it needs beside it
    "torch": ("torch", "torch,fast"),
    "jax": ("jax", "jax,fast"),
    "tensorflow-cpu": ("tensorflow", "tensorflow,fast"),
    "tensorflow": ("tensorflow", "fast"),  # its files lie where those of tensorflow-cpu would
}
# What a version under test chooses for itself; all else is as in constraints.txt.
FREE = {
    "jax",
    "jaxlib",
    "keras",
    "llvmlite",
    "ml-dtypes",
    "numba",
    "numpy",
    "optax",
    "tensorflow",
    "tensorflow-cpu",
    "torch",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # from the least that the project takes
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
ANSWERED = (0, 1, 4)  # exit codes of a run to be compared: it conforms, deviates, or a process of it died
OF_COMPARE = ("--fail-on", "--rows", "--size")  # options that are not of a run
OF_BOTH = ("--known",)  # a list of one's own, by which a run judges and a comparison accepts
STORE = ("--store", "build/versions.sqlite", "--report", "build/versions")
EXAMPLE = "nox -s versions -- jax==0.9.2 jax==0.10.2 --op sparse_xent --dtype float32"
HOMES = Path(".nox").resolve()  # of environments, which are kept
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


class Asked(NamedTuple):
    """What is asked: releases of one framework, each a requirement, and the options behind them."""

    framework: str
    requirements: list[str]
    run: list[str]  # options of `xentbench run`
    compare: list[str]  # and of `xentbench compare`


class UnderTest(NamedTuple):
    """What a requirement is of: a framework, by which of its packages, and the extras that go with it."""

    package: str
    framework: str
    extras: str


def main(arguments: Sequence[str]) -> int:
    """Do it, and return an exit code: that of the comparison, or of what went wrong first."""
    try:
        asked = read(arguments)
        uv = resolver()
        constraints = Path("build/versions-constraints.txt")
        constraints.parent.mkdir(exist_ok=True)
        constraints.write_text(unbound(Path("constraints.txt").read_text("utf-8")), "utf-8")
        candidates = sorted(PYTHONS, key=lambda python: (python != OWN, not at_hand(uv, python)))
        chosen = pythons(asked.requirements, candidates, partial(lacking, uv, constraints))
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return next((code for code in steps(asked, chosen, uv, constraints) if code), 0)


def steps(asked: Asked, chosen: Sequence[str], uv: str, constraints: Path) -> Iterator[int]:
    """Make every environment, then ask in each, then compare; yield the exit code of each command that matters."""
    homes = []
    for requirement, python in zip(asked.requirements, chosen, strict=True):
        home = HOMES / f"versions-{slug(requirement)}-{python}"
        homes.append(home)
        yield called(uv, "venv", "--allow-existing", "--python", at_hand(uv, python), str(home))
        extras = f".[{under_test(requirement).extras}]"
        install = ("pip", "install", "--python", str(home), "-c", str(constraints), "-e", extras)
        yield called(uv, *install, *requirement.split())
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    uids = [f"{slug(requirement)}-{stamp}" for requirement in asked.requirements]
    programs = [str(home / SCRIPTS / "xentbench") for home in homes]
    for program, uid in zip(programs, uids, strict=True):
        code = called(program, "run", "--on", asked.framework, *STORE, "--run-uid", uid, *asked.run)
        yield 0 if code in ANSWERED else code
    settle = [word for home in homes for word in ("--python", str(home / SCRIPTS / "python"))]
    timed = ["--settle", *settle] if "--speed" in asked.run else []
    yield called(programs[-1], "compare", *uids, *STORE, *timed, *asked.compare)


def called(*command: str) -> int:
    """Print a command, run it, and return its exit code."""
    sys.stderr.write(f"$ {shlex.join(command)}\n")
    return subprocess.run(command, check=False).returncode


def read(arguments: Sequence[str]) -> Asked:
    """Read the arguments. Raises ValueError.

    A requirement may hold several, apart by blanks, one of which is the framework's.
    """
    end = next((place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    requirements = list(arguments[:end])
    if len({slug(requirement) for requirement in requirements}) != max(2, len(requirements)):
        raise ValueError(f"requirements are {requirements}, expected two or more that differ; try: {EXAMPLE}")
    framework, *others = dict.fromkeys(under_test(requirement).framework for requirement in requirements)
    if others:
        named = " and ".join([framework, *others])
        raise ValueError(f"versions are of {named}, expected of one framework; try: {EXAMPLE}")
    run, compare = options_apart(arguments[end:])
    return Asked(framework, requirements, run, compare)


def options_apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part options, as `--name value` or `--name=value`, into those of `xentbench run` and those of `compare`."""
    run: list[str] = []
    compare: list[str] = []
    meant = [run]
    for word in words:
        if word.startswith("--"):
            name = word.partition("=")[0]
            meant = [run, compare] if name in OF_BOTH else [compare] if name in OF_COMPARE else [run]
        for part in meant:
            part.append(word)
    return run, compare


def under_test(requirement: str) -> UnderTest:
    """Return what a requirement is of. Raises ValueError."""
    try:
        names = [Requirement(one).name.lower().replace("_", "-") for one in requirement.split()]
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"requirement is {requirement!r} ({why}), expected one such as 'jax==0.10.2'") from error
    found = [name for name in names if name in UNDER_TEST]
    if len(found) != 1:
        raise ValueError(f"requirement is {requirement!r}, expected one with one of {', '.join(UNDER_TEST)}")
    return UnderTest(found[0], *UNDER_TEST[found[0]])


def pythons(requirements: Sequence[str], candidates: Sequence[str], lacking: Callable[[str, str], str]) -> list[str]:
    """Return the Python of each requirement: the first candidate that all can do with, else the first of its own.

    One for all leaves less that differs between two releases. lacking: why a requirement cannot be had with a Python;
    nothing where it can. Raises ValueError for a requirement that no candidate has.
    """
    lacks = cache(lacking)
    shared = next((one for one in candidates if not any(lacks(requirement, one) for requirement in requirements)), "")
    chosen = []
    for requirement in requirements:
        python = shared or next((one for one in candidates if not lacks(requirement, one)), "")
        if not python:
            why = "; ".join(dict.fromkeys(lacks(requirement, one) for one in candidates))
            raise ValueError(
                f"{requirement} cannot be had with Python {', '.join(candidates)} ({why}), "
                f"expected a release that there is; try: python -m pip index versions {under_test(requirement).package}"
            )
        chosen.append(python)
    return chosen


def lacking(uv: str, constraints: Path, requirement: str, python: str) -> str:
    """Return why a requirement, and what it needs beside it, cannot be had with a Python; nothing where it can."""
    command = [uv, "pip", "compile", "-", "pyproject.toml", "--python", sys.executable, "--python-version", python]
    command += [f"--constraints={constraints}"]
    command += [f"--extra={extra}" for extra in under_test(requirement).extras.split(",")]
    wanted = "\n".join(requirement.split())
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        why = re.search(r"cause: (?:Because )?(.*?)(?:,? we can conclude|\n\n|$)", done.stderr, re.DOTALL)
        return " ".join((why[1] if why else done.stderr).split())
    fetch = [uv, "python", "install", python]
    if at_hand(uv, python) or subprocess.run(fetch, capture_output=True, check=False).returncode == 0:
        return ""
    return f"Python {python} is not there, and uv cannot fetch it"


def resolver() -> str:
    """Return the path of uv. Raises ValueError."""
    if found := shutil.which("uv"):
        return found
    raise ValueError("uv is not on the PATH, expected it there; try: pip install uv")


def at_hand(uv: str, version: str) -> str:
    """Return the Python of a version that uv finds, or that pyenv keeps; nothing where there is none."""
    found = subprocess.run([uv, "python", "find", "--no-project", version], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(f"{version}.*/bin/python")
    return next(map(str, sorted(kept)), "")


def unbound(constraints: str) -> str:
    """Return constraints without those on the frameworks and on what each release of theirs binds by itself."""
    return "".join(line for line in constraints.splitlines(keepends=True) if line.partition("==")[0] not in FREE)


def slug(requirement: str) -> str:
    """Return a requirement as a part of a path and of a run's id."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", requirement).strip("-")[:60]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
