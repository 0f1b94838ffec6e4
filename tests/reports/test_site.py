"""The page: whole, offline, escaped, true to the store, and the same from Python and from JavaScript."""

import html
import json
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest

from harness.model import Run, Score
from harness.store import Store
from reports import block, layout, numbers, site
from reports.material import Material, text
from reports.pages.matrix.rows import in_matrix
from reports.reproducer import script

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=5000", "--dump-dom"),
)


class Cells(HTMLParser):
    """Collects the text of every cell, row by row."""

    def __init__(self):
        super().__init__()
        self.rows, self._texts = [], None

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
            self._texts = self.rows[-1]

    def handle_endtag(self, tag):
        """End a cell."""
        if tag in {"td", "th"}:
            self._texts = None

    def handle_data(self, data):
        """Add to the cell."""
        if self._texts:
            self._texts[-1] += data


def rows(page, op, view):
    """Return the cell texts of one op's table in one view."""
    part = re.search(rf'<div [^>]*aria-label="{re.escape(op)} by {view}"[^>]*>(.*?)</table>', page, re.DOTALL)[1]
    parser = Cells()
    parser.feed(part)
    return [[re.sub(r"\s+", " ", cell).strip() for cell in row] for row in parser.rows]


def material(path):
    """Read a store as the page does."""
    with Store(path) as store:
        run = store.run()
        return Material(run, list(store.results(run.uid)), store.environments(), store.not_run(run.uid))


@pytest.fixture(scope="module")
def page(small, tmp_path_factory):
    """Return the path of the small store's page."""
    with Store(small) as store:
        return site.write(store, "latest", tmp_path_factory.mktemp("page"), published={"so-softmax-4": "0.16838508"})


def opened(page, fragment, tmp_path):
    """Return the DOM after Chromium has opened the page from disk."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; try: apt-get install chromium")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri() + fragment]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_asks_for_no_url(page):
    """The page names nothing to fetch: no http, no src, no import, and a policy that would refuse it."""
    source = page.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")  # a namespace: a name, not an address

    assert "default-src 'none'" in source
    assert not re.search(r"https?://|\ssrc=|@import|url\(|\bfetch\(|XMLHttpRequest|<iframe", source)
    assert set(re.findall(r"<link [^>]*href=\"([^\"]*)", source)) == {"data:,"}


def test_escapes_names_and_reasons(page):
    """A name or a reason with markup in it stays text."""
    source = page.read_text("utf-8")

    assert "&lt;script&gt;alert(1)" in source.replace("<wbr>", "")
    assert "<script>alert" not in source
    assert "offer <b>float16" not in source
    assert len(re.findall("<script", source)) == 3 + len(re.findall('id="library-', source))


def test_numbers_are_the_stores(page, small):
    """Every number of the default view by family is the store's worst for that line and family, to three digits."""
    worst = {}
    for result in material(small).results:
        where = (result.case.quantity, result.case.dtype)
        if where == ("value", "float32") and isinstance(result.outcome, Score) and in_matrix(result):
            worst[str(result.target), result.case.op.name, result.case.family] = numbers.short(result.outcome.max_ulp)
    source, shown = page.read_text("utf-8"), {}
    for op in {op for _, op, _ in worst}:
        head, *lines = rows(source, op, "family")
        for line in lines:
            cells = zip(head[1:], line[1:], strict=False)
            who = line[0].replace(" @", "@").partition(" ")[0]  # the kind stands behind it
            shown |= {(who, op, family): cell.split()[0] for family, cell in cells if cell[:1].isdigit() or "∞" in cell}

    assert shown == worst


def test_block_holds_every_answer(small):
    """The data block has one entry an answer, strict JSON, and a script for every worst input it carries."""
    facts = json.loads(block.dumps(block.facts(material(small))))

    assert {len(column) for column in facts["columns"].values()} == {len(material(small).told)}
    assert max(facts["details"]["script"]) == len(facts["details"]["scripts"]) - 1


def test_deviations_carry_their_worst_input(small):
    """Every deviation and known deviation can be opened to its worst input."""
    answers = material(small).answers
    judged = {i for i, answer in enumerate(answers) if answer.judgement in {"deviates", "known"}}

    assert judged
    assert judged <= block.detailed(answers)


def test_twenty_thousand_results(large, tmp_path):
    """A quick run's page is written in seconds and stays a small file."""
    with Store(large) as store:
        before = time.perf_counter()
        path = site.write(store, "latest", tmp_path)
        seconds = time.perf_counter() - before
    source = path.read_text("utf-8")
    data = len(re.search(r'id="block">([^<]*)', source)[1])

    sys.stdout.write(
        f"20,000 results: {seconds:.2f} s, page {path.stat().st_size / 1e6:.2f} MB, block {data / 1e6:.2f} MB\n"
    )
    assert data < 1.5e6
    assert path.stat().st_size < 4e6
    assert seconds < 30  # a loaded machine; 2 s where it is idle


def test_filter_in_the_fragment(page, tmp_path):
    """A link with a filter opens filtered, and what JavaScript draws is what Python drew."""
    dom = opened(page, "#matrix?op=softmax", tmp_path)
    source = page.read_text("utf-8")

    assert 'aria-label="log_softmax by family"' not in dom
    assert rows(dom, "softmax", "family") == rows(source, "softmax", "family")
    assert rows(dom, "softmax", "dtype") == rows(source, "softmax", "dtype")


def test_sheet_of_a_link(page, small, tmp_path):
    """A link to an answer opens it, with the script that Python would write."""
    answers = [answer for answer in material(small).answers if answer.judgement in {"deviates", "known"}]
    dom = opened(page, layout.link(text(answers[-1])), tmp_path)
    shown = html.unescape(re.search(r'<pre [^>]*id="script">(.*?)</pre>', dom, re.DOTALL)[1])

    assert shown == script.script(answers[-1])


def test_nothing_judged_is_no_pass(tmp_path):
    """A run without results says so, and shows no share of anything."""
    with Store(tmp_path / "empty.sqlite") as store:
        store.begin(Run("empty", "2026-11-21T08:00:00+00:00", None, "xentbench run", "quick", {}))
        source = site.write(store, "empty", tmp_path).read_text("utf-8")

    assert "Nothing was judged" in source
    assert "did not finish" in source
    assert "Everything" not in source


def test_an_older_page_survives_a_failure(small, tmp_path, monkeypatch):
    """Where making the page fails, the page that was there stays whole, and no part of a new one is left."""
    (tmp_path / "index.html").write_text("older")

    def broken(_material):
        raise RuntimeError("broken")

    monkeypatch.setattr(site, "pieces", broken)
    with Store(small) as store, pytest.raises(RuntimeError, match="broken"):
        site.write(store, "latest", tmp_path)

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("index.html", "older")]
