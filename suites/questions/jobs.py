"""The pytest command lines that a run is made of: one process a framework, those that take longest first."""

from __future__ import annotations

from pathlib import Path

from harness import adapters
from harness.running.runner import Job
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
PYTEST = ("-q", "--tb=short", "-p", "no:cacheprovider", "-W", "ignore", "--import-mode=importlib", "-r", "N")


def files() -> list[str]:
    """Return the suites that judge answers."""
    return [str(SUITES / name) for name in ACCURACY if (SUITES / name).exists()]


def accuracy(wanted: Wanted, options: list[str]) -> list[Job]:
    """Return a job a framework; the slowest to compile first."""
    return [Job(name, (*PYTEST, *files(), *options, "--on", part)) for name, part in shares(wanted)]


def judging(file: Path, options: list[str]) -> list[Job]:
    """Return the job that asks the functions of a file."""
    return [Job(file.stem, (*PYTEST, *files(), *options, "--judge", str(file)))]


def shares(wanted: Wanted) -> list[tuple[str, str]]:
    """Return (framework, its part of --on), those that take longest first, so that none is left alone at the end."""
    named = [framework for framework, _ in wanted.pairs] or list(adapters.names())
    slow = {"jax": 0, "tensorflow": 1, "torch": 2}
    ordered = sorted(dict.fromkeys(named), key=lambda name: (slow.get(name, len(slow)), name))
    parts = {
        name: ",".join(f"{name}:{mode}" if mode else name for framework, mode in wanted.pairs if framework == name)
        for name in ordered
    }
    return [(name, part or name) for name, part in parts.items()]
