# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5.1"]
# ///
"""Every command of the project; `nox -l` is the manual."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nox
from packaging.requirements import InvalidRequirement, Requirement

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "browser", "vectors", "lint", "types"]

FRAMEWORKS = ("torch", "tensorflow", "jax")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # of which tests/browser takes the first there is
UNDER_TEST = {  # package -> its framework, and the extras that bring what it needs beside it
    "torch": ("torch", "torch,fast"),
    "jax": ("jax", "jax,fast"),
    "tensorflow-cpu": ("tensorflow", "tensorflow,fast"),
    "tensorflow": ("tensorflow", "fast"),  # its files lie where those of tensorflow-cpu would
}
# What a version under test chooses for itself; all else is as in constraints.txt.
FREE = {"jax", "jaxlib", "keras", "ml-dtypes", "numpy", "optax", "tensorflow", "tensorflow-cpu", "torch"}
ANSWERED = (0, 1, 4)  # exit codes of a run to be compared: it conforms, deviates, or a process of it died
VERSIONS = "nox -s versions -- jax==0.9.2 jax==0.10.2 --op sparse_xent --dtype float32"


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


def versions_asked(arguments: Sequence[str]) -> tuple[str, str, list[str], list[str]]:
    """Return framework, extras, the two requirements, and the options behind them.

    A requirement may hold several, apart by blanks, one of which is the framework's. Raises ValueError.
    """
    end = next((place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    requirements, options = list(arguments[:end]), list(arguments[end:])
    if len({slug(requirement) for requirement in requirements}) != 2 or len(requirements) != 2:
        raise ValueError(f"requirements are {requirements}, expected two that differ; try: {VERSIONS}")
    (framework, extras), other = map(under_test, requirements)
    if other[0] != framework:
        raise ValueError(f"versions are of {framework} and {other[0]}, expected two of one framework; try: {VERSIONS}")
    return framework, extras, requirements, options


def under_test(requirement: str) -> tuple[str, str]:
    """Return the framework that a requirement is of, and its extras. Raises ValueError."""
    try:
        names = [Requirement(one).name.lower().replace("_", "-") for one in requirement.split()]
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"requirement is {requirement!r} ({why}), expected one such as 'jax==0.10.2'") from error
    found = [name for name in names if name in UNDER_TEST]
    if len(found) != 1:
        raise ValueError(f"requirement is {requirement!r}, expected one with one of {', '.join(UNDER_TEST)}")
    return UNDER_TEST[found[0]]


def unbound(constraints: str) -> str:
    """Return constraints without those on the frameworks and on what each release of theirs binds by itself."""
    return "".join(line for line in constraints.splitlines(keepends=True) if line.partition("==")[0] not in FREE)


def slug(requirement: str) -> str:
    """Return a requirement as a part of a path and of a run's id."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", requirement).strip("-")[:60]


@nox.session
def compare(session: nox.Session) -> None:
    """Run the main job on every framework found, and say where the report lies. Arguments go to `xentbench run`."""
    install(session, *FRAMEWORKS, "fast")
    session.run("xentbench", "run", "--speed", *session.posargs)


@nox.session(default=False)
def versions(session: nox.Session) -> None:
    """Ask two versions of a framework the same and compare: `-- jax==0.9.2 jax==0.10.2 [options of xentbench run]`.

    Each version has an environment of its own, which is kept; other packages may be named with it, apart by blanks, as
    in 'jax==0.9.2 numpy==2.3.5'. Ends with the verdict and the report, and fails where the later version is worse.
    """
    try:
        framework, extras, requirements, options = versions_asked(session.posargs)
    except ValueError as error:
        session.error(str(error))
    session.install("uv")
    constraints = Path(session.create_tmp(), "constraints.txt")
    constraints.write_text(unbound(Path("constraints.txt").read_text("utf-8")), "utf-8")
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    uids, program = [f"{slug(requirement)}-{stamp}" for requirement in requirements], ""
    store = ("--store", "build/versions.sqlite")
    for requirement, uid in zip(requirements, uids, strict=True):
        home = Path(session.bin).parent.with_name(f"versions-{slug(requirement)}")
        session.run("uv", "venv", "--allow-existing", "--python", str(Path(session.bin, "python")), str(home))
        install = ("uv", "pip", "install", "--python", str(home), "-c", str(constraints), "-e", f".[{extras}]")
        session.run(*install, *requirement.split())
        program = str(home / Path(session.bin).name / "xentbench")
        asked = ("run", "--on", framework, *store, "--report", "build/versions", "--run-uid", uid, *options)
        session.run(program, *asked, external=True, success_codes=ANSWERED)
    session.run(program, "compare", *uids, *store, "--report", "build/versions", external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on every framework. Arguments go to pytest."""
    install(session, *FRAMEWORKS, "fast", "witness", "postgres", "parquet", groups=("tests",))
    session.run("pytest", *(session.posargs or ["-n", "2", "--dist", "loadfile"]))


@nox.session
def browser(session: nox.Session) -> None:
    """Open reports in a headless Chromium: pages, keyboard, reproducers, accessibility. Arguments go to pytest."""
    if not any(map(shutil.which, BROWSERS)):
        session.skip("no browser is installed, so no report was opened in one; try: apt-get install chromium")
    install(session, "torch", "fast", groups=("browser",))
    session.run("pytest", "tests/browser", *(session.posargs or ["-n", "2", "--dist", "loadfile"]))


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


@nox.session(default=False)
def benchmark(session: nox.Session) -> None:
    """Take absolute figures by pytest-benchmark, one process a framework. Arguments go to pytest."""
    install(session, *FRAMEWORKS, "fast")
    figures = Path("build/benchmark")
    figures.mkdir(parents=True, exist_ok=True)
    run = f"benchmark-{time.strftime('%Y%m%dT%H%M%S')}"
    for framework in FRAMEWORKS:
        # A round takes at least half a millisecond, so that a call of microseconds is not timed by itself.
        session.run(
            *("pytest", "suites/test_speed.py", "--on", framework, "--run-uid", run),
            *("--benchmark-max-time=0.1", "--benchmark-min-time=0.0005", "--benchmark-min-rounds=5"),
            *("--benchmark-disable-gc", f"--benchmark-json={figures / framework}.json", *session.posargs),
        )


@nox.session(name="selftest-speed", default=False)
def selftest_speed(session: nox.Session) -> None:
    """Plant slowdowns, and print false alarms and power of the duel beside other people's rules; 40 minutes."""
    install(session, "torch", groups=("tests",))
    session.run("python", "-m", "tests.selftest_speed", *session.posargs)


@nox.session(name="bench-reference", default=False)
def bench_reference(session: nox.Session) -> None:
    """Measure the reference against a plain mpmath loop and python-flint in one run, and the speed of scoring."""
    install(session, "fast", "witness")
    session.run("python", "-m", "tests.bench.reference")
    session.run("python", "-m", "tests.bench.scoring")


@nox.session(name="bench-history", default=False)
def bench_history(session: nox.Session) -> None:
    """Measure how well steps in times are found, and the page over 300 runs of 10 000 series; half an hour."""
    install(session, groups=("browser",))
    session.run("python", "-m", "tests.bench.steps")
    session.run("python", "-m", "tests.bench.history", *session.posargs)


@nox.session(name="bench-startup", default=False)
def bench_startup(session: nox.Session) -> None:
    """Measure what starting costs, beside another checkout: `nox -s bench-startup -- ../before [STORE]`."""
    install(session)
    session.run("python", "-m", "tests.bench.startup", *session.posargs)


@nox.session(default=False)
def selftest(session: nox.Session) -> None:
    """Judge the judge: planted faults must be caught, correct kernels not accused. Arguments go to `judge`."""
    install(session, *FRAMEWORKS, "fast", groups=("tests",))
    session.run("python", "-m", "tests.selftest", *session.posargs)


@nox.session(default=False)
def sharpness(session: nox.Session) -> None:
    """Print the smallest fault of a row's sum that the default preset finds, op x dtype x width; minutes."""
    install(session, "torch", "fast", groups=("tests",))
    session.run("python", "-m", "tests.bench.sharpness")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, "postgres", groups=("tests", "types"))
    session.run("mypy")


@nox.session(venv_backend="none", default=False)
def vendor(session: nox.Session) -> None:
    """Build the report's front-end libraries from their lock file, with licences and hashes; needs node and npm.

    The same lock file gives the same bytes. To upgrade, change package.json and run `npm install --package-lock-only`.
    """
    here = Path("reports/vendor").resolve()
    there = shutil.copytree(here, session.create_tmp(), dirs_exist_ok=True)
    session.chdir(there)
    session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", external=True)
    session.run("node", "build.mjs", str(here), external=True)


@nox.session(default=False)
def clean(_: nox.Session) -> None:
    """Remove what runs leave behind."""
    shutil.rmtree("build", ignore_errors=True)
