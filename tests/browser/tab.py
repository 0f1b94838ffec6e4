"""A tab of a browser with a report in it, watched for what a report never does.

A report asks for nothing but its own file, logs no error (a refusal by its security policy is one), throws none and
opens no dialog. Whatever of that happens is kept in `noises`; the fixture that opened the tab fails on it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports import pages
from tests.made.processes import PATIENCE_SECONDS

APART = {"engines", "sweeps"}  # that a run of two frameworks holds nothing for
PAGES = {name: module for module in pages.load() if (name := pages.address(module)) not in APART}

# Two frames first: what a key or a click has set off, such as a dialog's close, may be yet to come.
SETTLED = """async patience => {
  const frame = () => new Promise(requestAnimationFrame), end = Date.now() + patience;
  await frame(); await frame();
  while (document.documentElement.dataset.ready !== (location.hash || "#")) {
    if (Date.now() > end) throw new Error(`${document.documentElement.dataset.ready} is shown at ${location.hash}`);
    await frame();
  }
}"""


@dataclass
class Tab:
    """One page of Playwright in a browser context of its own."""

    context: Any
    file: Path
    noises: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.context.set_default_timeout(1000 * PATIENCE_SECONDS)
        self.page = self.context.new_page()
        self.page.on("request", self._asked)
        self.page.on("console", self._logged)
        self.page.on("pageerror", lambda error: self.noises.append(f"threw {error}"))
        self.page.on("dialog", self._interrupted)

    def _asked(self, request):
        if request.url.partition("#")[0] != self.file.as_uri():
            self.noises.append(f"asked for {request.url}")

    def _logged(self, message):
        if message.type in {"error", "warning"}:
            self.noises.append(f"logged {message.text}")

    def _interrupted(self, dialog):
        self.noises.append(f"said {dialog.message}")
        dialog.dismiss()

    def open(self, fragment=""):
        """Open the report at a fragment, anew."""
        self.page.goto("about:blank")
        self.page.goto(self.file.as_uri() + fragment)
        return self.settle()

    def go(self, fragment):
        """Follow a fragment within the page."""
        self.page.evaluate("fragment => { location.hash = fragment }", fragment)
        return self.settle()

    def settle(self):
        """Wait until what the address names is shown."""
        self.page.evaluate(SETTLED, 1000 * PATIENCE_SECONDS)
        return self

    def click(self, selector):
        """Click what a selector finds first, and wait for where it leads."""
        self.page.locator(selector).locator("visible=true").first.click()
        return self.settle()

    def press(self, key):
        """Press a key, and wait for where it leads."""
        self.page.keyboard.press(key)
        return self.settle()

    def texts(self, selector):
        """Return the text of everything visible that a selector finds, blanks made one."""
        found = self.page.locator(selector).locator("visible=true").all_inner_texts()
        return [" ".join(text.split()) for text in found]

    @property
    def fragment(self):
        """The fragment that the address stands at."""
        return self.page.evaluate("location.hash")

    @property
    def focused(self):
        """The text of what has the keyboard's focus."""
        return self.page.evaluate("document.activeElement.textContent.trim()")
