"""`xentbench report`: the page shows the exported numbers."""

import re
from html.parser import HTMLParser

from reports.pages.matrix import NOT_ASKED
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
    _ordinary_or_extreme, head, *rows = parser.tables["logsumexp by family"]

    shown, folded = {}, 0
    for row in rows:
        if len(row) != len(head):
            continue  # a framework's name
        name, others, mode = re.fullmatch(r"(.*?) (?:and (\d+) names? )?@(\w+).*", row[0]).groups()
        folded += int(others or 0)
        for family, cell in zip(head[1:], row[1:], strict=True):
            if family != "magnitude" and cell.strip() != NOT_ASKED:  # one column for all sizes
                shown[re.sub(r"\s", "", f"{name}@{mode}"), family] = float(cell.split()[0].replace("∞", "inf"))
    of_all = {
        (re.sub(r"\s", "", f"{f['implementation']}@{f['mode']}"), f["family"]): float(f"{float(f['max_ulp']):.3g}")
        for f in exported
        if f["quantity"] == "value" and not f["check"] and "/" not in f["family"]
    }
    of_all = {at: ulp if ulp >= 1e-9 else 0.0 for at, ulp in of_all.items()}

    targets = {target for target, _ in shown}
    assert shown == {at: ulp for at, ulp in of_all.items() if at[0] in targets}
    assert len(targets) + folded == len({target for target, _ in of_all})


def test_report_again_is_the_same(tiny, tmp_path):
    """`xentbench report` writes the page that the run wrote."""
    page = tiny[1].with_suffix("") / "index.html"

    ended = invoke("report", "--store", tiny[1], "--report", tmp_path / "[again]")

    assert ended.exit_code == 0
    assert ended.stdout == f"{tmp_path}/[again]/index.html\n"
    assert (tmp_path / "[again]" / "index.html").read_bytes() == page.read_bytes()
