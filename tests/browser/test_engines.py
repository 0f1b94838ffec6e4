"""The page Engines in a browser: cells lead to their answers, and it reads well in every scheme and width."""

import math

import pytest

from harness.model import Checked, NotRun
from reports import site
from reports.material import Material
from tests.browser.axe import NARROW, everywhere
from tests.reports.pages.test_engines import RUN, masked, result, score


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a report of two engines beside torch: distances, special values, options, and an engine not run."""
    off = {"judgement": "deviates", "family": "options/normal", "options": {"axis": 0}}
    results = (
        *(result("torch", score(1.0)), masked("torch", "nan")),
        *(result("mlx", score(2.5), mode=mode) for mode in ("cpu", "compile")),
        *(masked("mlx", policy, mode="cpu") for policy in ("nan",)),
        result("mlx", score(9.5), mode="cpu", quantity="grad_logits"),
        result("onnxruntime", score(70.0, None), judgement="deviates", mode="opset18", family="wide_spread"),
        result("onnxruntime", score(3.25), mode="opset18"),
        result("onnxruntime", Checked(1, math.inf, detail="hidden"), check="special.nan_logit", judgement="known"),
        result("onnxruntime", score(99.0, None), mode="opset18", **off),
    )
    file = tmp_path_factory.mktemp("engines") / "index.html"
    absent = NotRun("paddle", "", "cpu", "paddle cannot be imported")
    file.write_text(site.render(Material(RUN, results, {}, (absent,))), "utf-8")
    return file


def test_page_has_no_violation(opened, page):
    """No rule of accessibility is broken, in either scheme and width, and no page is wider than a phone."""
    tab = opened(page, "#engines")

    assert tab.page.locator("#engines h2, #engines h3").count() >= 2
    assert everywhere(tab) == []
    tab.page.set_viewport_size(NARROW)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_cell_leads_to_its_answer(opened, page):
    """The worst of ordinary rows opens the sheet of that answer; by the keyboard, too."""
    tab = opened(page, "#engines")

    tab.page.locator("#engines td a:text-is('3.25')").focus()
    tab.page.keyboard.press("Enter")
    tab.settle()

    assert tab.page.locator("#sheet[open]").count() == 1
    assert "onnxruntime.softmax@opset18" in tab.page.locator("#sheet").inner_text()
    assert "paddle cannot be imported" in page.read_text("utf-8")
