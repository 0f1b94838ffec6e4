"""Take pictures of a report for README and docs: `python tools/picture.py build/demo/report/index.html docs/pictures`.

The first screen, light and dark, by a Chromium that is installed: `report.png` and `report-dark.png`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1200, "height": 660}  # CSS pixels, as wide as a page of documentation shows
NAMES = {"light": "report.png", "dark": "report-dark.png"}


def main(report: Path, folder: Path) -> None:
    """Write both pictures. Raises ValueError where there is no browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise ValueError(
            f"no browser is installed, expected one of {', '.join(BROWSERS)}; try: apt-get install chromium"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for scheme, name in NAMES.items():
            page = browser.new_page(color_scheme=scheme, viewport=SIZE)
            page.goto(report.resolve().as_uri())
            page.wait_for_function("document.documentElement.dataset.ready")
            page.screenshot(path=folder / name)
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
