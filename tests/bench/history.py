"""How long the page over 300 runs of 10 000 series takes: `python -m tests.bench.history [STORE]`.

A STORE that is not there is made (tests/made/many_runs.py), which takes minutes; without one, it is made for once.
"""

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from harness.store import Store
from reports import dashboard
from tests.browser.conftest import BROWSERS
from tests.made import many_runs


def ready(page):
    """Return the milliseconds until the page is ready in a headless Chromium, and its heap in MB."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS))), args=["--disable-gpu"]
        )
        tab = browser.new_page()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        found = tab.evaluate(
            """[performance.getEntriesByName("ready")[0].startTime, performance.memory.usedJSHeapSize]"""
        )
        browser.close()
    return found[0], found[1] / 1e6


def main():
    """Make what is not there, and print what it takes."""
    with TemporaryDirectory() as folder:
        path = Path(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/results.sqlite")
        if not path.exists():
            begun = time.perf_counter()
            many_runs.fill(path)
            print(f"made in {time.perf_counter() - begun:.0f} s")  # noqa: T201
        begun = time.perf_counter()
        with Store(path) as store:
            page = dashboard.write(store, Path(folder))
        wall = time.perf_counter() - begun
        print(f"store {path.stat().st_size / 1e6:.0f} MB, page {page.stat().st_size / 1e6:.2f} MB in {wall:.1f} s")  # noqa: T201
        opened = sorted(ready(page) for _ in range(5))
        print("ready after " + ", ".join(f"{ms:.0f} ms ({heap:.0f} MB heap)" for ms, heap in opened))  # noqa: T201


if __name__ == "__main__":
    main()
