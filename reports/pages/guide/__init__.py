"""The guide: which function to call, and what happens otherwise, answered with the numbers of this run."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from reports import layout
from reports.pages.guide.questions import QUESTIONS

if TYPE_CHECKING:
    from reports.material import Material

TITLE = "Which function should I call?"
NAV = "Guide"
PLACE = 25


def render(material: Material) -> str:
    """Return the page's HTML; a question that this run asked nothing about is left out."""
    asked = [(question.__name__, inspect.getdoc(question) or "", question(material)) for question in QUESTIONS]
    answers = [(name, *text.split("\n\n"), answer) for name, text, answer in asked if answer.rows]
    return layout.fill("pages/guide/page.html.j2", answers=answers) if answers else ""
