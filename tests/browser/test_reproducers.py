"""A reader's way with a reproducer: copy it from the sheet, save it, run it, and see the sheet's own digits."""

import math
import subprocess
import sys

import pytest

from harness.model import Score
from harness.store import Store
from reports import block, layout
from reports.material import Material, text
from tests.made.processes import PATIENCE_SECONDS


def carried(path):
    """Return the answers whose scripts the report carries, the furthest off first, infinitely far ones left out."""
    with Store(path) as store:
        run = store.run()
        answers = Material(run, list(store.results(run.uid)), {}, []).answers
    found = [answers[i] for i in block.detailed(answers)]
    finite = [a for a in found if isinstance(a.outcome, Score) and math.isfinite(a.outcome.max_ulp)]
    return sorted(finite, key=lambda answer: -answer.outcome.max_ulp)


@pytest.mark.parametrize(
    ("framework", "judgement", "quantity"),
    [
        ("torch", "known", "grad_logits"),  # a deviation, which is what one sends upstream
        ("torch", "conforms", "value"),
        ("numpy", "unjudged", "value"),
    ],
)
def test_copied_script_prints_what_the_sheet_shows(real, opened, tmp_path, framework, judgement, quantity):
    """The script from the clipboard, run where the framework is, gets the stored answer and error out of it."""
    store, report = real
    asked = next(
        a
        for a in carried(store)
        if (a.target.implementation.framework, a.judgement, a.case.quantity) == (framework, judgement, quantity)
    )
    tab = opened(report, layout.link(text(asked)), permissions=["clipboard-read", "clipboard-write"])
    (ulps,), exact = tab.texts("#sheet dt:text-is('ulps') + dd"), tab.texts("#sheet samp")[-1]
    got, expected = tab.texts("#sheet samp + code")

    tab.click("#sheet .bar:has(h3:text-is('Run it again')) button")
    tab.page.locator("#sheet button:text-is('Copied')").wait_for()
    script = tmp_path / "reproducer.py"
    script.write_text(tab.page.evaluate("navigator.clipboard.readText()"), encoding="utf-8")
    command = [sys.executable, "-I", str(script)]  # isolated: it sees no checkout
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE_SECONDS, check=False)

    assert ended.returncode == 0, ended.stderr
    said = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    assert (said["got"], said["expected"], said["exact"]) == (got, expected, exact)
    assert math.isclose(float(said["error"].split()[0]), float(ulps), rel_tol=0.005)  # each to three digits or more
    assert "hint" not in said
