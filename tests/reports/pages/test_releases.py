"""The page of several runs: a line a function, a column a step, what matters first; and where its cells lead."""

import re
from urllib.parse import quote

import pytest

from harness.history.news import NEWS
from reports.material import Material
from reports.pages import releases
from reports.texts.course import KINDS
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, NAIVE, recorded, result, run, score, settled, timing

VERSIONS = ("2.11.0", "2.12.0", "2.13.0")


def page(*many):
    """Return the page's HTML for runs of releases, a list of results each, without the blanks between lines."""
    facts = [{"": ENVIRONMENT | {"torch": version}} for version in VERSIONS]
    runs = [
        recorded(*results, run=run(f"run-{place}", place + 1), environments=facts[place])
        for place, results in enumerate(many)
    ]
    last = runs.pop()
    source = releases.render(Material(last.run, last.results, last.environments, [], before=runs))
    return re.sub(r"\s+", " ", source)


def cells(source, mode):
    """Return the texts of the cells of the function of a mode, without marks; ` | ` between lines of one."""
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", source) if f"@{mode}</code>" in row]
    texts = [re.sub(r'<span class="mark.*?</span>', "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)]
    return [" ".join(re.sub(r"<.*?>", "", text.replace("<br>", " | ")).split()) for text in texts]


@pytest.mark.parametrize("many", [[[result()]], [[result()], [result()]]])
def test_two_runs_have_no_such_page(many):
    """One step is told by the page of changes."""
    assert page(*many) == ""


def test_cell_says_what_happened_at_its_step():
    """Errors, bits and times stand in the column of the step at which they changed."""
    fast, slow = timing(*[1e-5] * 9), timing(*[2e-5] * 9)
    source = page(
        [result(score(bits="a")), result(fast, "speed")],
        [result(score(9.0, bits="b")), result(fast, "speed")],
        [result(score(9.0, bits="b")), result(slow, "speed")],
    )

    assert cells(source, "eager") == [
        "softmax",
        "1 larger error | 1 of 1 differ in bits | 1 times as long",
        "1 call slower | 2 times as long",
    ]


def test_every_news_has_its_table():
    """Whatever becomes of a function, there is a table that it stands in, and words for it."""
    assert {kind for kinds in releases.GROUPS.values() for kind in kinds} == set(NEWS)
    assert {*KINDS, "bits", "none"} == set(NEWS)


def test_settled_times_are_said():
    """Times that duels found the same are one line of a function that is otherwise as before."""
    settled_times = [settled(timing(*[1e-5] * 9), 1.0, uid=f"run-{place}") for place in range(2)]
    source = page(*([result(made, "speed")] for made in (timing(*[1e-5] * 9), *settled_times)))

    assert cells(source, "eager")[1] == "1 time found the same in a duel | 1 times as long"


def test_every_function_is_in_one_table():
    """What moved is in sight, what is not judged and what stayed is folded, and nothing is left out."""
    source = page(
        [result(), result(target=NAIVE), result(target=JAX)],
        [result(score(9.0)), result(score(7.0), target=NAIVE), result(target=JAX)],
        [result(score(9.0)), result(score(7.0), target=NAIVE), result(target=JAX)],
    )

    titles = re.findall(r"(?:<summary>)?<h3>[^<]*", source)
    assert [title.strip() for title in titles] == [
        "<h3>Worse or better at some step",
        "<summary><h3>Not judged",
        "<summary><h3>As before at every step",
    ]
    assert cells(source, "jit") == ["softmax", "=", "="]


def test_cell_leads_to_the_answer_of_the_last_run():
    """A cell links to the last run's answer to the question that moved furthest; to none where it was not asked."""
    source = page([result(family="gone"), result()], [result(score(9.0), family="gone"), result()], [result()])

    gone, there = result(family="gone"), result()
    assert quote(str(gone.case)) not in source
    source = page([result()], [result(score(9.0))], [result()])
    assert f"#case?r={quote(str(there.case))}" in source


def test_deviations_are_counted_at_each_run():
    """A listed deviation has a number a run, and those that changed are marked."""
    known = result(judgement="known", reason="its sum overflows")

    source = page([known], [known], [result()])

    row = re.search(r"its sum overflows.*?</tr>", source)[0]
    assert re.findall(r"<td class=\"(.*?)\">(.*?)</td>", row) == [("n", "1"), ("n", "1"), ("n zero moved", "0")]


def test_names_of_others_stay_text():
    """A reason from elsewhere cannot become part of the page."""
    known = result(judgement="known", reason=HOSTILE)

    assert "<script" not in page([known], [known], [result()])
