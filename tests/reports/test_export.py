"""Exported results: one flat object a result, strict JSON or CSV, nothing lost on the way."""

import csv
import dataclasses
import io
import json
import math

import pytest

from harness.model import (
    Case,
    Crashed,
    Failed,
    Implementation,
    Op,
    Result,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)
from reports import export

NAMED = (  # what the project promises to name, for every outcome
    *("case", "op", "options", "quantity", "family", "dtype", "shape", "implementation", "framework", "mode", "device"),
    *("outcome", "max_ulp", "mean_ulp", "error_over_bound", "budget_class", "worst_input", "expected", "got"),
    "environment",
)
WORST = Worst((1,), "0x1p+0 -0x1p+0", "", "", "1.31326", "0x1.5p+0", "nan", math.inf)
SCORE = Score(2, math.inf, math.nan, -0.5, {"S": math.inf, "N": 3.0}, None, {"nan": 1}, WORST)
RESULT = Result(
    Case(Op.of("logsumexp", axis=-1), "grad_logits", "normal", "bfloat16", 4, 8, 2),
    Target(Implementation("jax", "logsumexp", 'f(x, "a, b")', "fused"), "jit", "cuda:0"),
    SCORE,
    "deviates",
    'a reason, with "quotes"\nand lines',
    "key",
    "content",
)
ENVIRONMENTS = {"key": {"jax": "0.10", "device": "H200"}}
OUTCOMES = (
    SCORE,
    Timing((1e-6, 2e-6), 10, 0.5),
    Unsupported("no float16"),
    Failed("raised", "why"),
    Crashed("SIGKILL"),
    TimedOut(300.0),
)


def written(results, form):
    """Return what is written of results."""
    to = io.StringIO()
    assert export.write(results, ENVIRONMENTS, form, to) == len(results)
    return to.getvalue()


def read(text):
    """Return the results of JSON Lines."""
    return list(export.read(text.splitlines()))


def refuse(name):
    """Refuse a constant that strict JSON has not."""
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize(("kept", "told"), [("a0", "a0"), ("", None)])
def test_bits_are_told_where_they_were_kept(kept, told):
    """The digest of an answer's bits is exported; an answer of an older store has none."""
    kept_so = dataclasses.replace(RESULT, outcome=dataclasses.replace(SCORE, bits=kept))

    assert export.flat(kept_so, {})["bits"] == told


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_every_outcome_has_every_field(outcome):
    """An outcome of any kind is one line of strict JSON with every field that the project names."""
    text = written([dataclasses.replace(RESULT, outcome=outcome)], "jsonl")

    fields = json.loads(text.splitlines()[-1], parse_constant=refuse)
    assert ("case" in fields, text.count('"case"')) == (True, 1)
    assert set(NAMED) <= set(fields)


def test_score_is_exported():
    """A score's numbers, worst element and environment come out as stored, infinities as text."""
    [fields] = read(written([RESULT], "jsonl"))

    assert [fields[name] for name in NAMED] == [
        *("logsumexp(axis=-1)-grad_logits-normal-bfloat16-4x8-seed2", "logsumexp", {"axis": -1}, "grad_logits"),
        *("normal", "bfloat16", [4, 8], 'f(x, "a, b")', "jax", "jit", "cuda:0", "score", "inf", "nan", "inf", None),
        *("0x1p+0 -0x1p+0", "0x1.5p+0", "nan", {"jax": "0.10", "device": "H200"}),
    ]
    assert fields["over_bound"] == {"S": "inf", "N": 3.0}
    assert (fields["judgement"], fields["reason"]) == ("deviates", RESULT.reason)


@pytest.mark.parametrize(
    ("outcome", "name", "reason"),
    [
        (Timing((1e-6,), 1, 0.5), "timing", ""),
        (Unsupported("no float16"), "unsupported", "no float16"),
        (Failed("raised", "why"), "failed", "why"),
        (Crashed("SIGKILL"), "crashed", "SIGKILL"),
        (TimedOut(2.5), "timed out", "no answer in 2.5 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_outcomes_say_why(outcome, name, reason):
    """What is no score has no ulps, and says why."""
    fields = export.flat(dataclasses.replace(RESULT, outcome=outcome), {})

    assert (fields["outcome"], fields["outcome_reason"]) == (name, reason)
    assert fields["max_ulp"] is fields["got"] is None


def test_timing_exports_raw_samples():
    """Speed comes out as raw samples in seconds, the first call apart."""
    fields = export.flat(dataclasses.replace(RESULT, outcome=Timing((1e-6, 2e-6), 10, 0.5)), {})

    assert (fields["seconds"], fields["calls_a_sample"], fields["first_call_seconds"]) == ([1e-6, 2e-6], 10, 0.5)


def test_csv_says_what_jsonl_says():
    """CSV parses into the rows and columns of JSON Lines, quotes and line breaks included, nested fields as JSON."""
    results = [dataclasses.replace(RESULT, outcome=outcome) for outcome in OUTCOMES]

    rows = list(csv.DictReader(io.StringIO(written(results, "csv"))))

    objects = read(written(results, "jsonl"))
    assert rows == [
        {k: "" if v is None else json.dumps(v) if isinstance(v, dict | list) else str(v) for k, v in fields.items()}
        for fields in objects
    ]


@pytest.mark.parametrize("form", export.FORMATS)
def test_nothing_exports_nothing(form):
    """A run without results is an empty file."""
    assert written([], form) == ""


def test_what_results_share_is_said_once():
    """JSON Lines name a long row and an environment by a key whose line stands before the first that names it."""
    upstream = " ".join(["0x1.8p+0"] * 200)
    shared = dataclasses.replace(SCORE, worst=dataclasses.replace(WORST, upstream=upstream))
    results = [dataclasses.replace(RESULT, outcome=shared, reason=str(k)) for k in range(3)]

    text = written(results, "jsonl")

    head, *lines = map(json.loads, text.splitlines())
    assert head == {"format": "xentbench export", "version": 2}
    assert [line.get("is") for line in lines] == [upstream, ENVIRONMENTS["key"], None, None, None]
    assert {lines[k]["worst_upstream"]["key"] for k in (2, 3, 4)} == {lines[0]["key"]}
    assert (lines[2]["worst_input"], text.count(upstream)) == (WORST.logits, 1)
    assert read(text) == [export.flat(result, ENVIRONMENTS) for result in results]


def test_first_version_is_read():
    """Lines of version 1, each a whole result and no line before them, are read as they are."""
    whole = [export.flat(dataclasses.replace(RESULT, outcome=outcome), ENVIRONMENTS) for outcome in OUTCOMES]

    assert read("\n".join(map(json.dumps, whole))) == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format":"xentbench export","version":3}', "export is of version 3, expected 1 or 2"),
        ('{"format":"another","version":2}', "expected lines of `xentbench export --format jsonl`"),
        ('{"cookies":3}', "expected lines of `xentbench export --format jsonl`"),
    ],
)
def test_other_lines_are_refused(text, said):
    """A newer version and another program's lines are named."""
    with pytest.raises(ValueError, match=said):
        read(text)
