"""README and docs: their links lead somewhere, their paths are there, and their commands are commands."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.made.command_lines import commands, parse

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
TREE = re.compile(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", re.DOTALL)
OURS = re.compile(r"`((?:harness|reference|suites|reports|xentbench|tests|docs|examples)/[\w./-]*)`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@each_page
def test_links_lead_somewhere(page):
    """A relative link is to a file that there is."""
    broken = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]

    assert broken == []


@each_page
def test_paths_are_there(page):
    """A path of the checkout that a page names is there."""
    missing = [path for path in OURS.findall(page.read_text("utf-8")) if not (ROOT / path).exists()]

    assert missing == []


@each_page
def test_commands_are_commands(page):
    """Every `xentbench` command in a page's shell code is read by the program's own parser."""
    scripts = CODE.findall(page.read_text("utf-8"))

    for script in scripts:
        for words in commands(script.replace("$GITHUB_RUN_ID", "7")):
            parse(words)


def test_every_page_is_linked():
    """Every page of docs/ can be reached from the README, or from a page that can."""
    seen, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        text = page.read_text("utf-8")
        named = [*LINK.findall(text), *(f"{name}.md" for tree in TREE.findall(text) for name in tree.split())]
        links = [page.parent / link for link in named if link.endswith(".md")]
        fresh = {Path(link).resolve() for link in links} - seen
        seen |= fresh
        left += fresh

    assert {page.resolve() for page in PAGES} - seen == {ROOT / "README.md"}
