"""Take pictures of a report for README and docs: `python tools/picture.py build/demo/report/index.html docs/pictures`.

The first screen, light and dark, by a Chromium that is installed: `report.png` and `report-dark.png`; of a page that is
given by its address behind these (`sweeps?family=every_no`) the charts, `sweeps.png` and `sweeps-dark.png`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1200, "height": 660}  # CSS pixels, as wide as a page of documentation shows
ENDINGS = {"light": ".png", "dark": "-dark.png"}


def main(report: str, folder: str, address: str = "") -> None:
    """Write both pictures. Raises ValueError where there is no browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise ValueError(
            f"no browser is installed, expected one of {', '.join(BROWSERS)}; try: apt-get install chromium"
        )
    name, to = address.partition("?")[0] or "report", Path(folder)
    to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for scheme, ending in ENDINGS.items():
            page = browser.new_page(color_scheme=scheme, viewport=SIZE)
            page.goto(f"{Path(report).resolve().as_uri()}#{address}")
            page.wait_for_selector("html[data-ready]", state="attached")  # evaluates nothing, which the page forbids
            taken = page.locator(f"#{name} .plot") if address else page
            taken.screenshot(path=to / f"{name}{ending}")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
