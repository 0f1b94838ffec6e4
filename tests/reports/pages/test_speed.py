"""The speed page: ranks, limits and cards of tournaments, and absolute figures of older runs."""

import dataclasses
import re

import numpy as np
import pytest

from harness.model import Case, Implementation, Op, Result, Run, Target, Timing
from reports import ranked
from reports.material import Material
from reports.pages import speed

RUN = Run("r", "2026-11-21T08:13:00+00:00", None, "xentbench run --speed", "quick", {})
ENVIRONMENTS = {
    "t": {"torch": "2.13", "card: threads": "1", "card: x64": "as the dtype says"},
    "j": {"jax": "0.10", "card: threads": "1", "card: x64": "False"},
}
CASE = Case(Op.of("softmax"), "value", "speed", "float32", 64, 1000)
EVIL = "torch.<script>alert(1)</script>"


def result(name, seconds, framework="torch", case=CASE, **beside):
    """Return a timing of a tournament: two processes of three samples each."""
    draw = np.random.default_rng(len(name))
    samples = tuple(float(one) for one in seconds * (1 + draw.normal(0, 0.001, 6)))
    facts = {
        "workers": 2,
        "cache": "10 buffers of 250 KiB in turn, within the last-level cache of 480 MiB",
        "cached": True,
        "copy_bytes_per_second": 20e9,
        "read_bytes_per_second": 15e9,
        "dispatch_seconds": 2e-6,
        "overhead_seconds": 4e-7,
        "minor_faults": 12.5,
        "major_faults": 0.0,
        "preempted": 0.25,
        "peak_bytes": 128 << 20,
        "peak_logits_bytes": 64 << 20,
    }
    target = Target(Implementation(framework, case.op.name, name, "fused"), "eager")
    return Result(case, target, Timing(samples, 4, 0.5, **facts | beside), "unjudged", "", framework[0])


def page(*results):
    """Return the page's HTML."""
    return speed.render(Material(RUN, results, ENVIRONMENTS, []))


def test_ranks_come_from_the_stored_samples():
    """Targets are ranked by what was stored, level ones share their ranks, and times are over the fastest's."""
    (asked,) = ranked.rankings([result("slow", 200e-6), result("fast", 50e-6), result("level", 50.001e-6)])

    assert {line.result.target.implementation.name for line in asked.first} == {"fast", "level"}
    assert [(line.rank.first, line.rank.last) for line in asked.targets] == [(1, 2), (1, 2), (3, 3)]
    assert asked.targets[2].rank.times == pytest.approx(4, rel=0.01)
    assert asked.targets[2].rank.low < asked.targets[2].rank.times < asked.targets[2].rank.high


def test_limit_by_hand():
    """A softmax of 64 x 1000 float32 moves 512 kB: 25.6 us at 20 GB/s, half of 51.2 us."""
    (asked,) = ranked.rankings([result("only", 51.2e-6)])

    assert asked.floor_seconds == pytest.approx(25.6e-6)
    assert asked.targets[0].of_limit == pytest.approx(0.5, rel=0.01)
    assert asked.targets[0].share == "50 %"
    assert asked.targets[0].compiling == pytest.approx(0.5, rel=0.01)
    assert asked.targets[0].peak == 2


@pytest.mark.parametrize(
    ("of_limit", "share"), [(0.0009, "< 0.1 %"), (0.004, "0.4 %"), (0.01, "1 %"), (1.234, "123 %"), (None, "")]
)
def test_share(of_limit, share):
    """The part of the limit is printed in whole per cent, small ones to a tenth."""
    (asked,) = ranked.rankings([result("only", 1e-4)])

    assert dataclasses.replace(asked.targets[0], of_limit=of_limit).share == share


def test_questions_are_apart():
    """Every op, shape, dtype, work and device is a question of its own, in a fixed order."""
    cases = [
        dataclasses.replace(CASE, classes=5000),
        dataclasses.replace(CASE, quantity="grad_logits"),
        dataclasses.replace(CASE, dtype="bfloat16"),
        CASE,
    ]
    timed = [result("a", 1e-4, case=case) for case in cases]
    timed.append(dataclasses.replace(timed[3], target=dataclasses.replace(timed[3].target, device="cuda:0")))

    assert [ranking.title for ranking in ranked.rankings(timed)] == [
        "64 \u00d7 1000, bfloat16, forward",
        "64 \u00d7 1000, float32, forward",
        "64 \u00d7 1000, float32, forward, cuda:0",
        "64 \u00d7 1000, float32, forward + backward",
        "64 \u00d7 5000, float32, forward",
    ]


def test_page_shows_every_figure_with_its_card():
    """Times, limits, memory and what they hold stand on the page, and names stay text."""
    html = page(result(EVIL, 100e-6), result("jax.nn.softmax", 51.2e-6, "jax"))

    assert "Memory allows 25.6 µs, by a copy at 20 GB/s and a read at 15 GB/s" in html
    assert "50 %<small>in cache</small>" in html
    assert "2.00 \u00d7" in html
    assert "12.5 minor, 0 major a call" in html
    assert "25 % of samples" in html
    assert "10 buffers of 250 KiB in turn" in html
    assert html.count("<dt>threads</dt><dd>1</dd>") == 1
    assert "as the dtype says (torch); False (jax)" in html or "False (jax); as the dtype says (torch)" in html
    assert "<script" not in html


def test_what_was_not_measured_is_left_empty():
    """A tournament without a limit, a dispatch or a peak claims none of them."""
    nothing = dict.fromkeys(
        (
            *("copy_bytes_per_second", "read_bytes_per_second", "dispatch_seconds", "overhead_seconds"),
            *("minor_faults", "major_faults", "preempted", "peak_bytes", "peak_logits_bytes"),
        )
    )
    html = page(result("a", 1e-4, **nothing), result("b", 2e-4, **nothing))

    assert "Memory allows" not in html
    assert "in cache" not in html
    assert not re.search(r"\bNone\b|\bnan\b", html)


def test_anchors_of_the_first_table_are_there():
    """Every question of the first table leads to its own table."""
    html = page(result("a", 1e-4), result("a", 1e-4, case=dataclasses.replace(CASE, quantity="grad_logits")))
    links = re.findall(r'href="#(speed-[^"]+)"', html)

    assert len(links) == len(set(links)) == 2
    assert all(f'id="{link}"' in html for link in links)


def test_older_timings_are_absolute_figures():
    """Timings of one process, as older stores have them, are shown with their interval and are not ranked."""
    old = dataclasses.replace(
        result("old", 1e-4), outcome=Timing(tuple(1e-4 * (1 + k / 100) for k in range(20)), 10, 0.5)
    )
    html = page(old)

    assert ranked.rankings([old]) == []
    assert "they describe, and do not rank" in html
    assert "105 µs to 114 µs" in html
    assert "Of limit" not in html


def test_nothing_timed_is_no_page():
    """A run without timings has no speed page; a clock that stood still is none."""
    assert page() == ""
    assert page(dataclasses.replace(result("a", 1.0), outcome=Timing((0.0, 0.0), 1, 0.1))) == ""
