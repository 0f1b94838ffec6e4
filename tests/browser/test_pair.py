"""Two targets side by side in the report: what the command prints, and each figure leads to its answer."""

from urllib.parse import quote

from harness.store import Store
from harness.store.reading import never
from reports.texts import pair


def shared(store):
    """Return two targets of softmax of the real run, and the questions that both were asked."""
    with Store(store) as opened:
        results = list(opened.results(opened.run().uid, never))
    softmax = dict.fromkeys(one.target for one in results if str(one.case.op) == "softmax" and not one.case.check)
    a, b = next((x, y) for x in softmax for y in softmax if x.implementation.framework != y.implementation.framework)
    return a, b, pair.rows(results, str(a), str(b))


def test_the_page_says_what_the_command_does(real, opened):
    """The address names two; the lines are those of the command, and the first figure opens its answer."""
    store, report = real
    a, b, rows = shared(store)
    keys = [quote(f"{one.implementation.framework}|{one}") for one in (a, b)]

    tab = opened(report, f"#pair?a={keys[0]}&b={keys[1]}")

    said = tab.page.locator("#pair [role=status]").text_content()
    nearer = [sum(row.nearer == name for row in rows) for name in ("A", "B")]
    assert said.startswith(f"{len(rows)} questions asked of both: A is nearer in {nearer[0]}, B in {nearer[1]}; ")
    assert tab.page.locator("#pair .both tbody tr td:nth-child(6)").count() == len(rows) > 0
    tab.click("#pair .both tbody td a")
    assert tab.page.locator("#sheet[open]").count() == 1
