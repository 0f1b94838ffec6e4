"""axe-core on a tab: the rules of WCAG 2 A and AA, in either colour scheme, wide and narrow."""

import pytest

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 400, "height": 800}
# Colours change with the scheme alone and places with the width alone, so that two of the four pairs see all of it.
VIEWS = ((WIDE, "light"), (NARROW, "dark"))
RUN = """async tags => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));  // laid out, observers told
    const { passes, violations } = await axe.run({ runOnly: tags, resultTypes: ["violations"] });
    return [passes.length, violations.map(({ id, nodes }) => `${id}: ${nodes.length}, such as ${nodes[0].html}`)];
}"""


def violations(tab):
    """Return what axe-core finds wrong as the tab is now, one line a rule, with the first element that breaks it."""
    source = pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(source)
    passed, broken = tab.page.evaluate(RUN, TAGS)
    assert passed
    return broken


def everywhere(tab):
    """Return the violations in both colour schemes and both widths."""
    found = []
    for size, scheme in VIEWS:
        tab.page.set_viewport_size(size)
        tab.page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}, {size['width']} wide: {broken}" for broken in violations(tab)]
    return found
