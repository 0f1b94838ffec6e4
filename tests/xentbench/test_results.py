"""`xentbench table` and `export`: what is stored comes out as it is."""

import csv
import io
import math

import pytest

from harness.model import Score

FIELDS = {  # of an exported result, as the README promises them
    *("case", "op", "options", "quantity", "family", "dtype", "shape", "implementation", "framework", "mode", "device"),
    *("outcome", "max_ulp", "mean_ulp", "error_over_bound", "budget_class", "worst_input", "expected", "got"),
    "environment",
}


def test_export_is_the_store(stored, exported):
    """Every stored result is one exported object with all fields and the very numbers."""
    scores = {
        (str(r.case), str(r.target)): (r.outcome.max_ulp, r.outcome.mean_ulp, r.outcome.over_bound["S"], r.judgement)
        for r in stored
        if isinstance(r.outcome, Score)
    }

    assert len(exported) == len(stored)
    assert all(fields.keys() >= FIELDS for fields in exported)
    assert scores == {
        (fields["case"], f"{fields['implementation']}@{fields['mode']}"): (
            *(float(fields[name]) for name in ("max_ulp", "mean_ulp", "error_over_bound")),
            fields["judgement"],
        )
        for fields in exported
        if fields["outcome"] == "score"
    }


def test_worst_input_gives_the_answer_again(exported):
    """From an exported row of hex floats, its expected value follows by arithmetic: the inputs are those asked."""
    rows = [f for f in exported if f["outcome"] == "score" and (f["family"], f["quantity"]) == ("normal", "value")]

    assert rows
    for fields in rows:
        logits = [float.fromhex(text) for text in fields["worst_input"].split()]
        exact = math.log(math.fsum(map(math.exp, logits)))
        assert len(logits) == fields["shape"][1]
        assert math.isclose(float.fromhex(fields["expected"]), exact, rel_tol=2**-23)
        assert math.isclose(float(fields["exact"]), exact, rel_tol=1e-14)


def test_export_says_what_was_asked_where(exported):
    """An exported result carries the environment its framework ran in."""
    versions = {fields["framework"]: fields["environment"] for fields in exported}

    assert all(versions[name][name] for name in ("numpy", "jax", "torch"))


def test_csv_parses(shell, tiny, exported):
    """The CSV of a run has the rows of its JSON Lines, and a header."""
    ended = shell("export", "--format", "csv", "--store", tiny[1])

    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert ended.returncode == 0
    assert rows[0].keys() == exported[0].keys()
    assert [row["case"] for row in rows] == [fields["case"] for fields in exported]


@pytest.mark.parametrize("form", ["junit", "summary", "badge"])
def test_export_writes_what_the_run_wrote(shell, shards, form):
    """The same file comes of the stored run again."""
    stores, files = shards
    written = next(path for path in files if path.stem == form).read_text(encoding="utf-8")

    ended = shell("export", "--format", form, "--store", stores[1])

    assert (ended.stdout, ended.stderr, ended.returncode) == (written, "", 0)
