"""Names that are markup stay text, wherever the page or its scripts write them."""

import pytest

from harness.model import Case, Implementation, NotRun, Op, Result, Run, Score, Target, Timing, Unsupported, Worst
from harness.store import Store
from reports import layout, pages, site
from reports.material import text
from tests.browser.tab import Tab

NAMES = list(map(pages.address, pages.load()))
EVIL = "<script>alert('in')</script><img src=x onerror=alert(2)>\"'&amp;</td>"
# Of its texts a store takes numbers alone, and Python that draws a row.
WORST = Worst((0, 1), f"# python\n{EVIL}", "", "", "1.25", "0x1p0", "0x1p1", 1.5)


@pytest.fixture(scope="module")
def evil(chromium, tmp_path_factory):  # noqa: ARG001 - without a browser no report is written
    """Return the report of a run whose every free text is markup, and one of its answers."""
    folder = tmp_path_factory.mktemp("evil")
    target = Target(Implementation("torch", "softmax", f"torch.{EVIL}", "fused"), EVIL)
    results = [
        Result(Case(Op.of("softmax"), "value", f"{kind}{EVIL}", "float32", 4, 8), target, outcome, judgement, reason)
        for kind, outcome, judgement, reason in (
            ("", Score(32, 9.0, 1.0, 0.5, {"S": 3.0}, None, {EVIL: 1}, WORST), "deviates", EVIL),
            ("magnitude/1", Score(32, 9.0, 1.0, 0.5, {"S": 3.0}, None, {}, WORST), "known", f"{EVIL} ({EVIL})"),
            ("published/", Score(32, 9.0, 1.0, 0.5, {"S": 3.0}, None, {}, WORST), "unjudged", ""),
            ("refused", Unsupported(EVIL), "unjudged", ""),
            ("speed", Timing((1e-6,) * 9, 10, 1e-3), "unjudged", ""),
        )
    ]
    with Store(folder / "results.sqlite") as store:
        for uid in ("oldest", "older", "evil"):
            facts = store.add_environment({"torch": f"{uid}{EVIL}", EVIL: EVIL})
            store.begin(Run(uid, "2026-11-21T08:00:00+00:00", None, EVIL, "quick", {EVIL: EVIL}))
            store.append(uid, [Result(r.case, r.target, r.outcome, r.judgement, r.reason, facts) for r in results])
            store.add_not_run(uid, NotRun("jax", EVIL, EVIL, EVIL))
            store.finish(uid)
        descriptions = {results[0].case.family: EVIL, "max_ulp": EVIL}
        before = [store.recorded("oldest"), store.recorded("older")]
        return site.write(store, "evil", folder, descriptions=descriptions, before=before), results[0]


def planted(tab):
    """Return the elements that would stand in the page if a name had become markup."""
    return tab.page.locator("main img, dialog img, main script, dialog script").count()


@pytest.mark.parametrize("name", NAMES)
def test_page_shows_names_as_text(evil, opened, name):
    """No page makes markup of a name; where it shows one, it shows its every sign."""
    tab = opened(evil[0], f"#{name}")

    assert planted(tab) == 0
    if name in {"overview", "matrix", "not-run"}:
        assert EVIL.replace(" ", "") in tab.page.locator(f"#{name}").text_content().replace(" ", "")


def test_sheet_shows_names_as_text(evil, opened):
    """Nor does the sheet, in facts, reason and script."""
    tab = opened(evil[0], layout.link(text(evil[1])))

    assert planted(tab) == 0
    assert tab.page.locator("#sheet").text_content().count(EVIL) > 4


def test_filter_shows_names_as_text(evil, opened):
    """Nor do the tables that a filter draws anew, of which a name may be the choice."""
    tab = opened(evil[0], "#matrix")
    tab.page.locator("#filters [name=mode]").select_option(EVIL)
    tab.page.wait_for_url("**mode=*")

    assert planted(tab.settle()) == 0
    assert EVIL.replace(" ", "") in tab.page.locator("#family").text_content().replace(" ", "")


@pytest.mark.parametrize(
    "planted_script", ["<script>window.ran = 1</script>", "<img src='data:,' onerror='window.ran = 1'>"]
)
def test_no_other_script_runs(evil, chromium, tmp_path, planted_script):
    """A script that got into a page all the same is refused by its policy, which knows its own by their hashes."""
    file = tmp_path / "index.html"
    file.write_text(evil[0].read_text("utf-8").replace("</main>", f"{planted_script}</main>"), "utf-8")
    with chromium.new_context() as context:
        tab = Tab(context, file).open()
        assert tab.page.evaluate("window.ran") is None
        noises = list(tab.noises)

    assert noises
    assert all("Content Security Policy" in noise for noise in noises)
