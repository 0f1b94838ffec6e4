"""The step summary: Markdown that GitHub takes whatever a run holds."""

import io

from harness.model import Implementation, Target
from reports.ci import summary
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, missing, recorded, result, run, score

BAD = {"judgement": "deviates", "reason": "why"}


def written(*results, **fields):
    """Return the summary of a run."""
    to = io.BytesIO()
    summary.write(recorded(*results, **fields), to)
    return to.getvalue().decode()


def test_summary():
    """Verdict, deviations, counts, what was not run, and versions, in that order."""
    text = written(
        result(environment="key"),
        result(score(9.0), "bad", JAX, **BAD),
        environments={"key": ENVIRONMENT},
        not_run=[missing("tensorflow")],
    )

    assert [line for line in text.splitlines() if line and not line.startswith("| ---")] == [
        "## ❌ xentbench: 1 new deviation",
        "Run `20260101T000000-aaa`, preset `quick`, 2026-01-01T00:00:00+00:00.",
        "| new deviation | target | framework | why |",
        "| `softmax-value-bad-float32-4x8` | `jax.nn.softmax@jit` | jax | why |",
        "| framework | mode | device | conforms | deviates |",
        "| jax | jit | cpu | 0 | 1 |",
        "| torch | eager | cpu | 1 | 0 |",
        "- not run: `tensorflow cpu`: no tensorflow; try: pip install tensorflow",
        "<details><summary>Environment</summary>",
        "| where | fact | value |",
        "| machine | cores | 2 |",
        "| torch | framework | torch |",
        "| torch | torch | 2.11.0 |",
        "</details>",
    ]


def test_green_run_is_short():
    """A run in which all conforms names no deviation."""
    text = written(result())

    assert text.startswith("## ✅ xentbench: 1 conforms\n")
    assert "new deviation" not in text


def test_deviations_are_limited():
    """So many are listed, and how many more there are is said."""
    text = written(*(result(score(9.0), f"f{k}", **BAD) for k in range(250)))

    assert text.count("`torch.softmax@eager`") == 100
    assert "and 150 more; the report has them all" in text


def test_summary_is_never_too_long():
    """Thousands of frameworks with endless names that need escaping stay below what GitHub refuses."""
    long = "<|&*>" * 1000
    results = [
        result(score(9.0), long, Target(Implementation(f"{k}{long}", "softmax", long, "fused"), long, long), **BAD)
        for k in range(2000)
    ]

    text = written(*results, not_run=[missing(f"{k}{long}") for k in range(2000)])

    assert 100_000 < len(text.encode()) <= summary.LIMIT_BYTES
    assert text.endswith("The rest was cut here; `xentbench export` has all of it.\n")


def test_limit_is_of_bytes():
    """What takes several bytes a sign counts as such, and only whole lines are taken."""
    text = summary.within(iter(["é" * 100] * 100), 1000)

    assert len(text.encode()) <= 1000
    assert set(text.removesuffix(summary.CUT).split("\n")) == {"é" * 100}


def test_hostile_names_are_text():
    """No tag, link or table bar of a name is Markdown."""
    target = Target(Implementation(HOSTILE, "softmax", HOSTILE, "fused"), HOSTILE, HOSTILE)
    text = written(
        result(score(9.0), HOSTILE, target, "deviates", HOSTILE, environment="key"),
        environments={"key": {HOSTILE: HOSTILE}},
        not_run=[missing(HOSTILE)],
        run=run(HOSTILE),
    )

    assert "<script>" not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert "[x](y)" not in text
