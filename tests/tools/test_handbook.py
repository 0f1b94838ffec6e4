"""The documentation's pages hold what the code has, and name every field of what is written for other programs."""

import re
from dataclasses import fields

import pytest

from harness.ops import OPS
from reports import export
from suites.checks.laws import LAWS
from suites.judging.findings import Finding
from suites.judging.verdict import Judged
from suites.questions import cases
from tests.conftest import ROOT
from tests.made.records import result, score
from tools import handbook
from xentbench import __main__ as front_door
from xentbench.screen import Exit

PAGES = ROOT / "docs/reference"
ROW = re.compile(r"^\| `([\w/]+)` \|", re.MULTILINE)


def page(name):
    """Return a page as the site has it."""
    path = PAGES / f"{name}.md"
    return handbook.filled(path.read_text("utf-8"), path)


def test_every_command_has_its_help():
    """A command that is added is on the page, with its options."""
    text = page("commands")

    assert all(f"### xentbench {name}\n" in text for name in front_door.COMMANDS)
    assert "--fail-on" in text


def test_every_exit_code_has_its_meaning():
    """The page has each code once."""
    assert re.findall(r"^\| (\d+) \|", page("exit-codes"), re.MULTILINE) == [str(int(code)) for code in Exit]


def test_questions_are_all_there():
    """Ops, families and checks are those that are asked."""
    assert set(OPS) | set(cases.descriptions()) <= set(ROW.findall(page("questions")))
    assert all(f"`{name}`" in page("checks") for name in LAWS.checks)


def test_fields_of_an_export_are_named():
    """Every field of an export is on its page, in its order."""
    assert ROW.findall(page("export")) == list(export.flat(result(score(1.0)), {}))


def test_fields_of_judge_are_named():
    """Every field of `judge --json` is on its page, in its order."""
    named = ROW.findall(page("judge-json"))

    assert named == [field.name for kind in (Judged, Finding) for field in fields(kind)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("e**-d and x_max", r"e\*\*-d and x_max"),
        ("code `a_b*c` stays", "code `a_b*c` stays"),
        ("two\nlines | a bar", r"two lines \| a bar"),
    ],
)
def test_words_are_shown_as_they_are(text, shown):
    """What Markdown would read as markup is escaped, but for code."""
    assert handbook.plain(text) == shown


def test_links_out_of_the_site_become_names():
    """A page of the site stays a link; another file of the checkout is named by its path."""
    here = ROOT / "docs/how-to/ci.md"

    assert handbook.filled("[a](settings.md)", here) == "[a](settings.md)"
    assert handbook.filled("[b](../../CHANGELOG.md)", here) == "b (`CHANGELOG.md`)"


def test_unknown_mark_is_refused():
    """A mark of nothing is no empty page."""
    with pytest.raises(KeyError, match="nothing"):
        handbook.filled("<!-- code: nothing -->", ROOT / "docs/index.md")
