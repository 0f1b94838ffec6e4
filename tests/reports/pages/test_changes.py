"""The page of two runs: every change under its title, bits counted, and a group opens to its questions."""

import json
import re

import pytest

from harness.history import compare
from harness.history.news import COUNTED
from harness.model import Failed
from reports import block, site
from reports.material import Material
from reports.pages import changes
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, missing, recorded, result, run, score, timing

FAST, SLOW = [1e-5] * 9, [1.2e-5] * 9
EARLIER, LATER = run("20260101T", 1), run("20260102T", 2)


def material(before, after, not_run=(), facts=ENVIRONMENT):
    """Make what a page sees of two lists of results."""
    earlier = recorded(*before, run=EARLIER, environments={"": ENVIRONMENT})
    return Material(LATER, after, {"": facts}, list(not_run), before=[earlier])


def page(*arguments, **fields):
    """Return the page's HTML without the blanks between lines."""
    return re.sub(r"\s+", " ", changes.render(material(*arguments, **fields)))


def test_nothing_to_compare_with():
    """A run without an earlier one has no such page."""
    assert changes.render(Material(LATER, [result()], {}, [])) == ""


def test_nothing_in_common_is_no_pass():
    """Two runs that share no question are not said to be alike."""
    source = page([result()], [result(target=JAX)])

    assert "the two runs share no question, so nothing was compared" in source
    assert "safe to take" not in source


def test_every_question_is_counted_once():
    """The table counts accuracy apart from speed, and its figures add up to all questions."""
    fast, slow, old, new = timing(*FAST), timing(*SLOW), score(bits="a0"), score(bits="b1")
    before = {"same": score(), "worse": score(), "gone": score(), "bits": old, "slower": fast}
    after = {"same": score(), "worse": score(9.0), "come": score(), "bits": new, "slower": slow}

    seen = material(
        [*(result(outcome, family) for family, outcome in before.items()), result(target=JAX)],
        [result(outcome, family) for family, outcome in after.items()],
        [missing("jax")],
    )

    source = changes.render(seen)
    table = re.findall(r"<tr>.*?</tr>", source[source.index("what became of the questions") :], re.DOTALL)[:3]
    words, accuracy, speed = (re.findall(r"(?:</span> |<t[hd][^>]*>)([^<]*)</t[hd]>", row) for row in table)
    assert words[1:] == list(COUNTED)
    assert [*map(int, accuracy[1:])] == [3, 0, 0, 0, 1, 0, 0, 1, 0, 1]
    assert [*map(int, speed[1:])] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_versions_come_first():
    """Of what differs in the environments, versions are told first."""
    facts = {"framework": "torch", "isa": "avx512", "torch": "2.13.0"}

    source = page([result()], [result()], facts=facts)

    assert source.index("<b>2.13.0</b>") < source.index("<b>avx512</b>" if "<b>avx512</b>" in source else "<td>avx512")
    assert "<td>2.11.0</td>" in source


def test_what_is_relevant_is_in_sight():
    """What got worse or better is in sight, the rest is folded with its count, and nothing is left out silently."""
    source = page(
        [result(), result(score(bits="a0"), "bits"), result(family="gone")],
        [result(score(9.0)), result(score(bits="b1"), "bits")],
    )

    assert "Worse: larger errors <small>1 question," in source
    assert "Worse: answers lost <small>1 question," in source
    folded = re.findall(r"<summary>([^<]*)</summary>", source)
    assert folded == [
        *("Worse: judged otherwise, or another policy: none", "Worse: slower: none"),
        *("Worse, and accepted: none", "Better: none"),
        *("Times that cannot be told: none", "Times that a duel found the same: none"),
        "Other bits, as accurate as before: 1",
        *(
            "Other figures, below what counts: none",
            "Not judged, and not counted: none",
            "Added: none",
            "Removed: none",
        ),
    ]
    assert "0 questions unchanged" in source


def test_row_says_all():
    """A row names who answered, the question with a link, before and after, and the reason."""
    source = page([result(), result(timing(*FAST), "speed")], [result(score(9.0)), result(timing(*SLOW), "speed")])

    assert (
        '<a href="#case?r=softmax-value-normal-float32-4x8%7Ctorch%7Ctorch.softmax%40eager">'
        "<code>softmax-value-normal-float32-4x8</code></a>"
    ) in source.replace("<wbr>", "")
    assert '1.5 ulp S <span class="mode">→</span> <b>9 ulp S</b>' in source
    assert '10 µs (10 µs to 10 µs) <span class="mode">→</span> <b>12 µs (12 µs to 12 µs)</b>' in source
    assert 'href="#speed"' in source
    assert "max 9 ulp, was 1.5" in source


def test_what_has_no_answer_now_has_no_link():
    """A question that was removed leads nowhere; one that failed leads to its sheet."""
    before, after = recorded(result(), result(family="gone")), recorded(result(Failed("raised", "x", "E")), run=LATER)
    _, lost, *_ = changes.kinds(compare.compare(before, after))
    places = {member.status: changes.at(member) for group in lost.groups for member in group.members}

    assert places["removed"] == ""
    assert places["changed"].startswith("#case?r=")


def test_bits_are_shares():
    """The table counts the answers of each framework, mode and op by dtype; without bits an answer is not counted."""
    dtypes, shares = changes.bits(
        material(
            [result(score(bits=bits), family) for bits, family in zip("abc", "xyz", strict=True)]
            + [result(score(bits="a"), "w", dtype="float16"), result(score(bits="a"), target=JAX), result()],
            [result(score(bits=bits), family) for bits, family in zip("abd", "xyz", strict=True)]
            + [result(score(bits="b"), "w", dtype="float16"), result(score(bits="a"), target=JAX), result()],
        ).comparison
    )

    assert dtypes == ["float16", "float32"]
    assert [(share.where, share.cells, share.whole) for share in shares] == [
        (("jax", "jit", "cpu", "softmax"), (None, (1, 1)), True),
        (("torch", "eager", "cpu", "softmax"), ((0, 1), (2, 3)), False),
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (score(), score(), "No answer's bits were kept in both runs"),
        (score(bits="a"), score(bits="a"), "Every answer is the same bit by bit"),
        (score(bits="a"), score(bits="b"), '<b>0 %</b> <span class="mark" aria-hidden="true">≠</span>'),
    ],
)
def test_bits_are_told(before, after, said):
    """Where bits were kept, a share with its symbol says how many are the same; where they were not, that is said."""
    assert said in page([result(before)], [result(after)]).replace("&#39;", "'")


def test_group_opens_to_its_questions():
    """Changes of one target in one op are a group, told by the furthest moved; its questions are in the data."""
    seen = material(
        [result(family=name) for name in "abc"] + [result(target=JAX)],
        [result(score(7.0 + k), name) for k, name in enumerate("abc")] + [result(score(99.0), target=JAX)],
    )

    worse = changes.kinds(seen.comparison)[2]
    groups = changes.data(seen)

    assert [(group.number, group.worst.result.case.family, len(group.members)) for group in worse.groups] == [
        (0, "normal", 1),
        (1, "c", 3),
    ]
    assert groups[0] == []
    assert [member[0] for member in groups[1]] == [f"softmax-value-{name}-float32-4x8" for name in "cba"]
    assert groups[1][0][2:] == ["1.5 ulp S", "9 ulp S", "error is 3 of its bound, was 0.5; max 9 ulp, was 1.5"]
    assert 'data-group="1"' in changes.render(seen)
    assert 'data-group="0"' not in changes.render(seen)


def test_groups_beyond_the_shown_are_counted():
    """More groups than a page should hold are counted, with the command that lists them."""
    target = JAX.implementation
    many = [type(JAX)(type(target)("jax", "softmax", f"jax.f{k}", "fused"), "jit") for k in range(changes.SHOWN + 7)]

    seen = material([result(target=one) for one in many], [result(score(9.0), target=one) for one in many])

    assert (changes.kinds(seen.comparison)[2].more, len(changes.data(seen))) == (7, changes.SHOWN)
    assert "and 7 groups more: <code>xentbench compare 20260101T 20260102T --json</code>" in changes.render(seen)


def test_hostile_names_are_text():
    """Markup in a name, a reason or a fact stays text, in the page and in its data."""
    target = type(JAX)(type(JAX.implementation)(HOSTILE, "softmax", HOSTILE, "fused"), HOSTILE)
    made = [result(score(ulp), name, target, reason=HOSTILE) for name in ("a", HOSTILE) for ulp in (1.5, 2.0)]
    seen = material(made[::2], made[1::2], [missing(HOSTILE)], facts={"framework": HOSTILE, HOSTILE: HOSTILE})

    source = site.render(seen)

    assert "<script>alert" not in source
    assert HOSTILE in json.loads(block.dumps(changes.data(seen)))[0][1][0]
