# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5.1"]
# ///
"""Every command of the project; `nox -l` is the manual."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "vectors", "lint", "types"]

FRAMEWORKS = ("torch", "tensorflow", "jax")


def pip_setting(variable: str, key: str) -> str:
    """Return what pip is set to: an environment variable, else its configuration file, else nothing."""
    command = [sys.executable, "-m", "pip", "config", "get", key]
    configured = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return os.environ.get(variable) or configured.strip()


def bridge_to_uv() -> None:
    """Let uv see the local wheels and certificates that pip is told of: uv reads none of pip's settings.

    Only folders that exist and URLs are passed on, because uv ends with an error where a folder is missing.
    """
    links = pip_setting("PIP_FIND_LINKS", "global.find-links").split()
    there = [link for link in links if "://" in link or Path(link).is_dir()]
    if there:
        os.environ.setdefault("UV_FIND_LINKS", ",".join(there))
    if certificates := pip_setting("PIP_CERT", "global.cert"):
        os.environ.setdefault("SSL_CERT_FILE", certificates)


bridge_to_uv()


PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *extras: str, groups: tuple[str, ...] = ()) -> None:
    """Install the project with extras and dependency groups, at the versions that CI is known to pass with."""
    wanted = f".[{','.join(extras)}]" if extras else "."
    session.install("-e", wanted, *nox.project.dependency_groups(PROJECT, *groups), "-c", "constraints.txt")


@nox.session
def compare(session: nox.Session) -> None:
    """Run the main job on every framework found, and say where the report lies. Arguments go to `xentbench run`."""
    install(session, *FRAMEWORKS, "fast")
    session.run("xentbench", "run", "--speed", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on every framework. Arguments go to pytest."""
    install(session, *FRAMEWORKS, "fast", "witness", groups=("tests",))
    session.run("pytest", *(session.posargs or ["-n", "2", "--dist", "loadfile"]))


@nox.session
def vectors(session: nox.Session) -> None:
    """Check the test vectors by both witnesses, and read them from JavaScript where node is installed."""
    install(session, "fast", "witness", groups=("tests",))
    session.run("xentbench", "golden", "verify")
    session.run("xentbench", "golden", "verify", "--witness", "arb")
    if shutil.which("node"):
        session.run("node", "examples/consume_vectors.mjs", external=True)
    else:
        session.log("node is not installed: the vectors were not read from JavaScript")


@nox.session(default=False)
def speed(session: nox.Session) -> None:
    """Rank all fused implementations x modes of an op and shape. Arguments go to `xentbench tournament`."""
    install(session, *FRAMEWORKS, "fast")
    session.run("xentbench", "tournament", *session.posargs)


@nox.session(name="selftest-speed", default=False)
def selftest_speed(session: nox.Session) -> None:
    """Plant slowdowns, and print false alarms and power of the duel beside other people's rules; 15 minutes."""
    install(session, "torch", groups=("tests",))
    session.run("python", "-m", "tests.selftest_speed", *session.posargs)


@nox.session(name="bench-reference", default=False)
def bench_reference(session: nox.Session) -> None:
    """Measure the reference against a plain mpmath loop and python-flint in one run, and the speed of scoring."""
    install(session, "fast", "witness")
    session.run("python", "-m", "suites.bench_reference")
    session.run("python", "-m", "suites.bench_scoring")


@nox.session(default=False)
def selftest(session: nox.Session) -> None:
    """Judge the judge: planted faults must be caught, correct kernels not accused. Arguments go to `judge`."""
    install(session, *FRAMEWORKS, "fast", groups=("tests",))
    session.run("python", "-m", "tests.selftest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, groups=("tests", "types"))
    session.run("mypy")


@nox.session(default=False)
def clean(_: nox.Session) -> None:
    """Remove what runs leave behind."""
    shutil.rmtree("build", ignore_errors=True)
