"""The report stays small and opens fast, however much a run asked.

Sizes are limits. Times are printed: on a shared machine they are no figure to fail by. Ten times what they should be is
more than a busy machine explains, and fails.
"""

import sys
import time

import pytest

from harness.model import Run
from reports import site
from reports.material import Material
from tests.reports.conftest import examples, results, timings

RUN = Run("20261121-081300-ab12", "2026-11-21T08:13:00+00:00", None, "xentbench run", "quick", {"cpu": "Xeon"})
HANG = 10


@pytest.mark.parametrize(
    ("answers", "most_megabytes", "ready_seconds"), [(20_000, 2.0, 1.5), (100_000, 6.0, 3.0)], ids=["20000", "100000"]
)
def test_size_and_speed(opened, tmp_path, answers, most_megabytes, ready_seconds):
    """A report of so many answers keeps to its size, is ready in its time, and draws another matrix at once."""
    asked = [*results(answers, "here"), *timings("here"), *examples("here")]
    before = time.process_time()
    written = site.render(Material(RUN, asked, {"here": {"torch": "2.13.0"}}, []))
    made = time.process_time() - before
    file = tmp_path / "index.html"
    file.write_text(written, encoding="utf-8")
    megabytes = file.stat().st_size / 1e6

    tab = opened(file)
    ready = tab.page.evaluate("performance.getEntriesByName('ready')[0].startTime") / 1000
    heap = tab.page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    before = time.perf_counter()
    tab.go("#matrix?dtype=float64&metric=bound")
    filtered = time.perf_counter() - before

    sys.stdout.write(
        f"{answers} answers: {megabytes:.2f} MB, made in {made:.1f} s of CPU, ready after {ready:.2f} s, "
        f"{heap:.0f} MB of heap, matrix drawn anew in {filtered:.2f} s\n"
    )
    assert megabytes <= most_megabytes
    assert ready < HANG * ready_seconds
    assert filtered < HANG * ready_seconds
