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
import time
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "browser", "vectors", "docs", "lint", "types"]

FRAMEWORKS = ("torch", "tensorflow", "jax")
LIGHT = ("torch-onnx", "scipy", "sklearn", "mlx", "ncnn", "mnn")  # engines whose figures the tests hold, 350 MB
WORKERS = ["-n", "3", "--dist", "loadfile"]  # one more than CI has cores, because some wait for what they start
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # of which tests/browser takes the first there is


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
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):  # else every process compiles what it imports anew
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path("build/bytecode").resolve()))  # but beside nobody's files

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


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Report on today's frameworks, with times, for docs: its picture, and the pages of questions; half an hour.

    Arguments go to `xentbench run`, as `-- --on torch:eager --op softmax` for a small one.
    """
    if not any(map(shutil.which, BROWSERS)):
        session.skip("no browser is installed, so no picture can be taken; try: apt-get install chromium")
    install(session, *FRAMEWORKS, "fast", groups=("browser",))
    made = Path("build/demo")
    places = ("--store", str(made / "results.sqlite"), "--report", str(made / "report"))
    session.run("xentbench", "run", "--speed", *places, *session.posargs, success_codes=(0, 1))  # what is new is shown
    session.run("python", "tools/picture.py", str(made / "report" / "index.html"), "docs/pictures")
    session.run("python", "tools/questions.py", str(made / "results.sqlite"))


@nox.session(default=False)
def versions(session: nox.Session) -> None:
    """Ask releases of a framework the same and compare: `-- jax==0.9.2 jax==0.10.2 jax==0.12.0.1 [options]`.

    Each has an environment of its own, which is kept, with a Python that it supports. Other packages may be named with
    a release, apart by blanks, as in 'jax==0.9.2 numpy==2.3.5'. Options are those of `xentbench run`; `--fail-on`,
    `--size` and `--rows` are those of `xentbench compare`, `--known` is of both. Fails where a later release is worse.
    """
    session.install("packaging", "uv")
    session.run("python", "tools/versions.py", *session.posargs)


@nox.session(default=False)
def engines(session: nox.Session) -> None:
    """Ask engines beside the frameworks, each in an environment of its own: `-- onnxruntime mlx [options]`.

    Without names all that are light, and torch beside them; with `--all` the heavy ones too. Options are those of
    `xentbench run`. What cannot be installed is not run, and takes no other along.
    """
    install(session, "fast")
    session.install("uv")
    session.run("python", "-m", "tools.engines", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on every framework. Arguments go to pytest."""
    install(session, *FRAMEWORKS, *LIGHT, "fast", "witness", "postgres", "parquet", "dask", groups=("tests",))
    session.run("pytest", *(session.posargs or WORKERS))


@nox.session(default=False)
def newest(session: nox.Session) -> None:
    """Run the tests with no constraints: the newest release of everything for this Python. Arguments go to pytest."""
    extras = ",".join([*FRAMEWORKS, "fast", "witness", "postgres", "parquet", "dask"])
    groups = nox.project.dependency_groups(PROJECT, "tests")
    # Else uv takes a release candidate of sympy for the sake of a newer mpmath than torch's sympy is released for.
    session.install("--upgrade", "-e", f".[{extras}]", *groups, env={"UV_PRERELEASE": "disallow"})
    session.run("pytest", *(session.posargs or WORKERS))
    session.install("--upgrade", "mpmath")
    session.run("pytest", "tests/reference", *WORKERS)


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


@nox.session(name="bench-sweep", default=False)
def bench_sweep(session: nox.Session) -> None:
    """Say what a sweep takes, here and by two workers. Arguments: a framework, a target as NAME@MODE, its dtype."""
    install(session, *FRAMEWORKS, "fast", "dask", groups=("tests",))
    asked = session.posargs or ["torch", "torch.nn.functional.binary_cross_entropy_with_logits@eager"]
    session.run("python", "-m", "tests.bench.sweeps", *asked, env={"XENTBENCH_COMPILED": "always"})


@nox.session(name="bench-reference", default=False)
def bench_reference(session: nox.Session) -> None:
    """Measure the reference against a plain mpmath loop and python-flint in one run, and the speed of scoring."""
    install(session, "fast", "witness")
    session.run("python", "-m", "tests.bench.reference")
    session.run("python", "-m", "tests.bench.scoring")
    session.run("python", "-m", "tests.bench.linear")


@nox.session(name="bench-history", default=False)
def bench_history(session: nox.Session) -> None:
    """Measure how well steps in times are found, and the page over 300 runs of 10 000 series; half an hour."""
    install(session, groups=("browser",))
    session.run("python", "-m", "tests.bench.steps")
    session.run("python", "-m", "tests.bench.history", *session.posargs)


@nox.session(name="bench-job", default=False)
def bench_job(session: nox.Session) -> None:
    """Measure the main job beside another checkout: `nox -s bench-job -- ../before [--turns 3] [options of run]`."""
    install(session, *FRAMEWORKS, "fast", groups=("tests",))
    session.run("python", "-m", "tests.bench.job", *session.posargs)


@nox.session(name="bench-volume", default=False)
def bench_volume(session: nox.Session) -> None:
    """Measure what importing, reporting and exporting 412 380 results takes, and 300 runs beside 10; minutes."""
    install(session, "parquet")
    session.run("python", "-m", "tests.bench.volume", *session.posargs)


@nox.session(name="bench-widths", default=False)
def bench_widths(session: nox.Session) -> None:
    """Measure what a call costs against the width of its rows: `-- torch:eager mlx [--op softmax]`, engines too."""
    install(session, "fast")
    session.install("uv")
    session.run("python", "-m", "tests.bench.widths", *session.posargs)


@nox.session(name="bench-startup", default=False)
def bench_startup(session: nox.Session) -> None:
    """Measure what starting costs, beside another checkout: `nox -s bench-startup -- ../before [STORE]`."""
    install(session)
    session.run("python", "-m", "tests.bench.startup", *session.posargs)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Ask on one GPU, in ten minutes, what needs one, and bring back a run file; `-- --device cpu` tries it."""
    small = "cpu" in session.posargs
    install(session, *(("torch", "jax") if small else ("torch-cuda", "jax-cuda")), "fast")
    session.run("python", "tools/gpu.py", *session.posargs)


@nox.session(default=False)
def selftest(session: nox.Session) -> None:
    """Judge the judge: planted faults must be caught, correct kernels not accused. Arguments go to `judge`."""
    install(session, *FRAMEWORKS, "fast", groups=("tests",))
    session.run("python", "-m", "tests.selftest", *session.posargs)


@nox.session(default=False)
def attack(session: nox.Session) -> None:
    """Kill runs, judge files that change the process, read hostile files; `-- 5` makes five of each, else minutes."""
    install(session, "torch", "fast", groups=("tests",))
    session.run("python", "-m", "tests.attack", *session.posargs)


@nox.session(default=False)
def sharpness(session: nox.Session) -> None:
    """Print the smallest fault of a row's sum that the default preset finds, op x dtype x width; minutes."""
    install(session, "torch", "fast", groups=("tests",))
    session.run("python", "-m", "tests.bench.sharpness")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, `build/docs/index.html`; a warning or a broken link fails."""
    install(session, groups=("docs",))
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-E", "docs", "build/docs")
    session.log("documentation: build/docs/index.html")


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
