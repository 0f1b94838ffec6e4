"""A real browser, and reports to open in it: one of a real run, and one of names that try to break out."""

import shutil
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import replace
from importlib.util import find_spec

import pytest

from harness.model import Op, Run, Score, Timing
from harness.store import Store
from reports import site
from tests.browser.tab import Tab
from tests.conftest import ROOT
from tests.reports.conftest import fill

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What a browser asks the network for by itself is no business of the report's.
FLAGS = ("--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking")
# Some of every kind of question, so that every page has something to show; goldens of long rows would take a minute.
SOME = "published or special or magnitude or all_equal or near_ties or (test_option and offset)"
PLANTED = "planted: a known deviation"
OURS = ("--on", "numpy,torch:eager", "--op", "softmax,logsumexp", "--dtype", "float32", "-k", SOME)


@pytest.fixture(scope="session")
def chromium():
    """Return a running headless Chromium, or skip with what to try."""
    driver = pytest.importorskip(
        "playwright.sync_api",
        reason="playwright is not installed, expected the dependency group browser; try: nox -s browser",
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed, expected one of {', '.join(BROWSERS)}; try: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Return how to open a report; options are those of a Playwright context. What it does that it must not, fails."""
    with ExitStack() as stack:
        tabs = []

        def open_report(file, fragment="", **options):
            context = stack.enter_context(chromium.new_context(reduced_motion="reduce", **options))
            tabs.append(Tab(context, file))
            return tabs[-1].open(fragment)

        yield open_report
        noises = [noise for tab in tabs for noise in tab.noises]
    assert noises == []


@pytest.fixture(scope="session")
def real(chromium, shell, folder):  # noqa: ARG001 - without a browser no run is made
    """Return the store of a real run of two frameworks, and its report, which has every page.

    Planted are two runs before it, and times: to take real ones is minutes.
    """
    if find_spec("torch") is None:
        pytest.skip("torch is not installed, expected the extra torch; try: nox -s browser")
    store, report = folder / "browser.sqlite", folder / "browser"
    ended = shell("suites", *OURS, "-p", "no:cacheprovider", "--store", store, module="pytest", cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    plant(store)
    ended = shell("compare", "oldest", "older", "latest", "--fail-on", "never", "--store", store, "--report", report)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return store, report / "index.html"


def plant(path):
    """Add times to a run, and two before it, of older torches: answers absent, worse or better, and longer times."""
    with Store(path) as store:
        (now,) = store.runs()
        answers = list(store.results(now.uid))
        times = [*timed(answers), *deviating(answers)]
        store.append(now.uid, times)
        facts = store.environments()
        for uid, torch, day in (("oldest", "2.10.0", "01"), ("older", "2.11.0", "02")):
            keys = {key: store.add_environment({**found, "torch": torch}) for key, found in facts.items()}
            store.begin(Run(uid, f"2026-01-{day}T08:00:00+00:00", None, now.command, now.preset, now.host))
            before = [replace(result, environment=keys[result.environment]) for result in answers + times]
            changed = before if uid == "oldest" else [earlier(n, result) for n, result in enumerate(before)]
            store.append(uid, [result for n, result in enumerate(changed) if n % 50])
            store.finish(uid)
    with closing(sqlite3.connect(path)) as db, db:  # as if they had come before
        db.execute("UPDATE runs SET place = CASE uid WHEN 'oldest' THEN -1 WHEN 'older' THEN 0 ELSE place END")


def timed(answers):
    """Yield a time of each fused function, as a tournament leaves it."""
    fused = {a.target: a for a in answers if a.target.implementation.kind == "fused"}
    for n, (target, answer) in enumerate(fused.items()):
        case = replace(answer.case, op=Op.of(target.implementation.op), quantity="value", family="speed", check="")
        timing = Timing(tuple(1e-6 * (n + 1) * (1 + k / 99) for k in range(18)), 10, 1e-3, workers=6)
        yield replace(answer, case=case, outcome=timing, judgement="unjudged", reason="", content="")


def deviating(answers):
    """Yield known deviations that the older version had not: what findings and changes are told by."""
    scored = [a for a in answers if isinstance(a.outcome, Score) and a.target.implementation.kind == "fused"]
    for n, answer in enumerate(scored[:3]):
        case = replace(answer.case, seed=99)
        yield replace(answer, case=case, judgement="known", reason=PLANTED, content=f"planted {n}")


def earlier(n, result):
    """Return a result as an older version would have given it."""
    if result.reason == PLANTED:
        return replace(result, judgement="conforms", reason="", outcome=replace(result.outcome, bits="0" * 16))
    match result.outcome:
        case Score(max_ulp=ulp) as score if not n % 9:
            return replace(result, outcome=replace(score, max_ulp=(4.0 if n % 2 else 0.25) * ulp))
        case Timing(seconds=seconds) as timing:
            return replace(result, outcome=replace(timing, seconds=tuple(1.5 * s for s in seconds)))
    return result


@pytest.fixture(scope="session")
def report(real):
    """Return the report of the real run."""
    return real[1]


@pytest.fixture(scope="session")
def small_report(chromium, tmp_path_factory):  # noqa: ARG001 - as above
    """Return a report of synthetic results: every outcome, all frameworks, names with markup in them."""
    folder = tmp_path_factory.mktemp("small-report")
    with Store(fill(folder / "results.sqlite", 2500)) as store:
        return site.write(store, "latest", folder)
