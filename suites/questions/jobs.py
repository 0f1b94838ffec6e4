"""The pytest command lines that a run is made of: one process a framework, those that take longest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.running.process import Job
from suites.questions.plan import Wanted

SUITES = Path(__file__).parents[1]
ACCURACY = (
    "test_accuracy.py",
    "test_gradients.py",
    "test_published.py",
    "test_options.py",
    "test_special_values.py",
    "test_laws.py",
    "test_invariance.py",
)
# Of pytest's plugins those that no question needs: logging alone adds and removes a handler at every step of each.
SPARED = ("cacheprovider", "logging", "doctest", "unittest", "threadexception", "unraisableexception")
SPARE = tuple(word for name in SPARED for word in ("-p", f"no:{name}"))
PYTEST = ("-qq", "--tb=short", *SPARE, "-W", "ignore", "--import-mode=importlib", "-r", "N")


def files() -> list[str]:
    """Return the suites that judge answers."""
    return [str(SUITES / name) for name in ACCURACY if (SUITES / name).exists()]


def accuracy(wanted: Wanted, options: Sequence[str]) -> list[Job]:
    """Return a job a framework; the slowest to compile first."""
    return [Job(name, (*PYTEST, *files(), *_part(wanted, name).arguments, *options)) for name in slowest_first(wanted)]


def judging(file: Path, wanted: Wanted, options: Sequence[str]) -> list[Job]:
    """Return the job that asks the functions of a file."""
    return [Job(file.stem, (*PYTEST, *files(), *wanted.arguments, *options, "--judge", str(file)), shared=True)]


def slowest_first(wanted: Wanted) -> list[str]:
    """Return the frameworks that are asked, those that take longest first, so that none is left alone at the end."""
    slow = {"jax": 0, "tensorflow": 1, "torch": 2}
    return sorted(wanted.frameworks, key=lambda name: (slow.get(name, len(slow)), name))


def _part(wanted: Wanted, framework: str) -> Wanted:
    """Return a framework's part of what is wanted."""
    own = tuple(pair for pair in wanted.pairs if pair[0] == framework)
    return replace(wanted, pairs=own or ((framework, ""),))
