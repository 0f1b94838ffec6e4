"""The page over all runs: what changed lately, where and with which version; then every series, run and version."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.history import counting, ratio, steps
from reports import block, layout, marks, numbers
from reports.dashboard import data, runs, versions
from reports.dashboard.events import ASPECTS, Aspect, Event, aspect, events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.history.difference import Difference
    from harness.history.levels import History
    from harness.history.news import Turn
    from harness.history.series import ChangePoint, Series
    from harness.history.verdict import Verdict

LATELY = 5  # runs that the headline is about; a step in speed needs steps.LEAST of them to be seen
LISTED = 30  # changes that are listed without a script
SIGNS: dict[Turn, str] = {"worse": "▲", "better": "▼", "different": "◆"}
WORDS: dict[Aspect, dict[Turn, str]] = {
    "accuracy": {"worse": "worse", "better": "better", "different": "of another largest error"},
    "speed": {"worse": "slower", "better": "faster", "different": "different"},
}
STYLES = ("style.css", "matrix.css", "detail.css", "dashboard.css", "print.css")
SCRIPTS = ("numbers.js", "block.js", "element.js", "form.js", "take.js", "dashboard.js")


def render(history: History, report: str = "", latest: Verdict | None = None) -> str:
    """Return the page as HTML.

    report: the address of a run's report to link to. latest: the verdict on the last run beside the one before.
    """
    found = events(history)
    listed = runs.groups(history, found)
    return layout.page(
        "dashboard/dashboard.html.j2",
        layout.join(layout.STATIC / name for name in SCRIPTS),
        history=history,
        headline=headline(history, found, latest),
        lately=lately(history, found)[1],
        events=found,
        columns={name: [turn for turn in SIGNS if _shown(found, name, turn)] for name in ASPECTS},
        counted=counting.in_words(history.counts[-1]) if history.counts else "",
        latest={name: next((event for event in found if _turned(event, name)), None) for name in ASPECTS},
        changes=[(event, *one) for event in found for one in event.changes][:LISTED],
        groups=listed,
        states=counting.occurring(history.counts),
        machines=sorted({row.machine for group in listed for row in group}),
        facts=versions.facts(history),
        report=report,
        aspects=ASPECTS,
        words=WORDS,
        signs=SIGNS,
        least=steps.LEAST,
        size=ratio.SIZE,
        before_and_since=before_and_since,
        differences=differences,
        style=layout.join(layout.STATIC / name for name in STYLES),
        block=block.pack(data.facts(history)),
    )


def headline(history: History, found: Sequence[Event], latest: Verdict | None = None) -> tuple[str, str]:
    """Return how it stands in a word for the colour, and in a sentence: the last run's verdict, where it has one."""
    if latest:
        return marks.LOOKS[latest.grade], f"Latest run: {latest.sentence}"
    return lately(history, found)


def lately(history: History, found: Sequence[Event]) -> tuple[str, str]:
    """Return what changed in the last runs, as a word for the colour and a sentence."""
    count = len(history.runs)
    if count == 0:
        return "unknown", "No run is stored yet"
    if count == 1:
        return "unknown", "One run so far, and none to hold it against"
    lately = [event for event in found if event.run >= count - LATELY]
    span = f"the last {LATELY} runs" if count > LATELY else f"all {count} runs"
    if not lately:
        return "good", f"Nothing changed in {span}"
    counted = {(name, turn): sum(event.counts[name, turn] for event in lately) for name in ASPECTS for turn in SIGNS}
    parts = [
        f"{numbers.plural(number, 'answer' if name == 'accuracy' else 'call')} {WORDS[name][turn]}"
        for (name, turn), number in counted.items()
        if number
    ]
    turned = {turn for (_, turn), number in counted.items() if number}
    return "bad" if "worse" in turned else "good" if "better" in turned else "unknown", f"In {span}: {', '.join(parts)}"


def before_and_since(series: Series, change: ChangePoint, history: History) -> tuple[str, str]:
    """Return what the figure, or what came instead of one, was before a change and is since."""
    states = [history.kinds[series.kinds[place]].words for place in (change.at - 1, change.at)]
    if aspect(series) == "speed":
        texts = [numbers.duration(figure) if figure > 0 else "" for figure in (change.was, change.now)]
    else:
        texts = [text and f"{text} {unit(series)}" for text in apart(change.was, change.now)]
    if states[0] != states[1] or texts[0] == texts[1]:
        texts = [", ".join(filter(None, pair)) for pair in zip(texts, states, strict=True)]
    return texts[0], texts[1]


def unit(series: Series) -> str:
    """Return what a figure of accuracy is in."""
    return "of what is allowed" if series.case.check else "ulp"


def apart(was: float, now: float) -> list[str]:
    """Print two numbers with as many digits as tell them apart, three at least; nothing for a nan."""
    for digits in range(3, 18):
        texts = [f"{number:.{digits}g}" if not math.isnan(number) else "" for number in (was, now)]
        if texts[0] != texts[1]:
            break
    return [text.replace("inf", "∞") for text in texts]


def differences(event: Event) -> list[tuple[Difference, int]]:
    """Return the facts that differ at an event, those of most series first."""
    return event.facts.most_common()


def _turned(event: Event, name: Aspect) -> bool:
    return any(event.counts[name, turn] for turn in SIGNS)


def _shown(found: Sequence[Event], name: Aspect, turn: Turn) -> bool:
    return turn != "different" or any(event.counts[name, turn] for event in found)
