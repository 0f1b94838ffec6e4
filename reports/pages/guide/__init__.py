"""The guide: which function to call, and what happens otherwise, answered with the numbers of this run."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from reports import layout
from reports.pages.guide.questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.material import Material
    from reports.pages.guide.answer import Answer

TITLE = "Which function should I call?"
NAV = "Guide"
PLACE = 25


def render(material: Material) -> str:
    """Return the page's HTML; what this run has not asked stands below, with the command that asks it."""
    every = [_asked(question, material) for question in QUESTIONS]
    answers, unasked = ([one for one in every if bool(one.answer.rows) is asked] for asked in (True, False))
    return layout.fill("pages/guide/page.html.j2", answers=answers, unasked=unasked) if answers else ""


class Question(NamedTuple):
    """A question, with its answer in words and in this run's figures."""

    id: str
    text: str
    words: str
    answer: Answer


def _asked(question: Callable[[Material], Answer], material: Material) -> Question:
    text, words = (inspect.getdoc(question) or "").split("\n\n")
    return Question(question.__name__, text, words, question(material))
