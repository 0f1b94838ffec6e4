"""`xentbench report`: the page shows the exported numbers."""

import re
from html.parser import HTMLParser

from tests.made.front_door import invoke


class Tables(HTMLParser):
    """Collects the tables of a page as {(caption, region): rows of cell texts}."""

    def __init__(self):
        super().__init__()
        self.tables, self._rows, self._cell = {}, None, False

    def handle_starttag(self, tag, attrs):
        """Begin a table, a row or a cell."""
        label = dict(attrs).get("aria-label")
        if tag == "div" and label:
            self._rows = self.tables.setdefault(label, [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        """End a cell."""
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data):
        """Add to a cell."""
        if self._cell and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data


def test_report_shows_the_exported_numbers(tiny, exported):
    """Each number of the page's matrix is the exported one to three digits, none missing."""
    parser = Tables()
    parser.feed((tiny[1].with_suffix("") / "index.html").read_text(encoding="utf-8"))
    head, *rows = parser.tables["logsumexp by family"]

    shown = {
        (re.sub(r"\s", "", row[0]), family): cell.split()[0].replace("∞", "inf")
        for row in rows
        if len(row) == len(head)
        for family, cell in zip(head[2:], row[2:], strict=True)
        if family != "magnitude" and cell.strip()  # one column for all sizes of the sweep; blank where not asked
    }

    assert {at: float(text) for at, text in shown.items()} == {
        (re.sub(r"\s", "", f"{f['implementation']}@{f['mode']}"), f["family"]): float(f"{float(f['max_ulp']):.3g}")
        for f in exported
        if f["quantity"] == "value" and not f["check"] and "/" not in f["family"]
    }


def test_report_again_is_the_same(tiny, tmp_path):
    """`xentbench report` writes the page that the run wrote."""
    page = tiny[1].with_suffix("") / "index.html"

    ended = invoke("report", "--store", tiny[1], "--report", tmp_path / "[again]")

    assert ended.exit_code == 0
    assert ended.stdout == f"{tmp_path}/[again]/index.html\n"
    assert (tmp_path / "[again]" / "index.html").read_bytes() == page.read_bytes()
