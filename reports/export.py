"""Results as flat objects, one a result, for other people's tools: JSON Lines or CSV.

CSV says all of a result in its row. JSON Lines say what many results share once: an environment, and a row of numbers
as long as one. A line `{"key": ..., "is": ...}` stands before the first result that says `{"key": ...}` in its place.
The first line names the format and its version; version 1 had neither, and repeated all.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from harness.model import Checked, Crashed, Failed, Result, Score, TimedOut, Timing, Unsupported
from harness.store import nouns
from harness.store.outcomes import text_key

FORMATS = ("jsonl", "csv")
FORMAT, VERSION = "xentbench export", 2  # of JSON Lines
TEXTS = ("worst_input", "worst_label", "worst_upstream")  # that a key stands for where they are longer than
SHORT = 40  # characters


def flat(result: Result, environments: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return one result as an object; infinities and nans are the strings that `float` reads, absent facts None."""
    outcome, case, target = result.outcome, nouns.case_fields(result.case), nouns.target_fields(result.target)
    fields: dict[str, Any] = {
        "case": str(result.case),
        **{name: case[name] for name in ("check", "op", "options", "quantity", "family", "dtype")},
        "shape": [case["rows"], case["classes"]],
        "seed": case["seed"],
        "implementation": target["name"],
        **{name: target[name] for name in ("kind", "framework", "mode", "device")},
        "judgement": result.judgement,
        "reason": result.reason,
    }
    score = outcome if isinstance(outcome, Score) else None
    worst = score.worst if score else None
    timing = outcome if isinstance(outcome, Timing) else None
    checked = outcome if isinstance(outcome, Checked) else None
    worst = checked.worst if checked else worst
    return (
        fields
        | _outcome(result)
        | {
            "elements": score.elements if score else None,
            "max_ulp": number(score.max_ulp) if score else None,
            "mean_ulp": number(score.mean_ulp) if score else None,
            "bias_ulp": number(score.bias_ulp) if score else None,
            "error_over_bound": number(score.over_bound["S"]) if score else None,
            "over_bound": {key: number(value) for key, value in score.over_bound.items()} if score else None,
            "budget_class": score.budget_class if score else None,
            "verdicts": dict(score.verdicts) if score else None,
            "bits": (score.bits or None) if score else None,
            "over_allowance": number(checked.over) if checked else None,
            "policy": checked.policy if checked else None,
            "worst_index": list(worst.index) if worst else None,
            "worst_input": worst.logits if worst else None,
            "worst_label": worst.label if worst else None,
            "worst_upstream": worst.upstream if worst else None,
            "exact": worst.exact if worst else None,
            "expected": worst.expected if worst else None,
            "got": worst.got if worst else None,
            "seconds": list(timing.seconds) if timing else None,
            "calls_a_sample": timing.calls if timing else None,
            "first_call_seconds": timing.first_call_seconds if timing else None,
            "environment": dict(environments.get(result.environment, {})),
            "content": result.content,
        }
    )


def _outcome(result: Result) -> dict[str, str]:
    match result.outcome:
        case Score():
            return {"outcome": "score", "outcome_reason": ""}
        case Checked(detail=detail):
            return {"outcome": "checked", "outcome_reason": detail}
        case Timing():
            return {"outcome": "timing", "outcome_reason": ""}
        case Unsupported(reason):
            return {"outcome": "unsupported", "outcome_reason": reason}
        case Failed(reason=reason):
            return {"outcome": "failed", "outcome_reason": reason}
        case Crashed(reason):
            return {"outcome": "crashed", "outcome_reason": reason}
        case TimedOut(seconds):
            return {"outcome": "timed out", "outcome_reason": f"no answer in {seconds:g} s"}


def number(value: float) -> float | str:
    """Return a float that strict JSON can hold, or its name."""
    return value if math.isfinite(value) else str(value)


def write(results: Iterable[Result], environments: Mapping[str, Mapping[str, str]], form: str, to: TextIO) -> int:
    """Write results as `jsonl` or `csv` (nested fields as JSON); return how many."""
    count, table, said = 0, None, set[str]()
    for count, result in enumerate(results, 1):
        fields = flat(result, environments)
        if form == "jsonl":
            to.write(_line({"format": FORMAT, "version": VERSION}) if count == 1 else "")
            to.writelines(_lines(fields, result.environment, said))
            continue
        table = table or csv.DictWriter(to, fieldnames=list(fields), lineterminator="\n")
        if count == 1:
            table.writeheader()
        table.writerow({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in fields.items()})
    return count


def _lines(fields: dict[str, Any], environment: str, said: set[str]) -> Iterator[str]:
    """Yield the line of a result, behind what it names and no line says yet."""
    keys = {name: text_key(fields[name]) for name in TEXTS if len(fields[name] or "") > SHORT}
    if fields["environment"]:
        keys["environment"] = environment
    for name, key in keys.items():
        if key not in said:
            said.add(key)
            yield _line({"key": key, "is": fields[name]})
    yield _line(fields | {name: {"key": key} for name, key in keys.items()})


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False) + "\n"


def read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the results of JSON Lines of this version or the first, each with all that it names, as `flat` has them.

    Raises ValueError for lines of a newer version, or of another program.
    """
    said: dict[str, Any] | None = None  # in version 1 nothing stands for another
    for line in lines:
        fields = json.loads(line)
        if {"format", "case", "is"}.isdisjoint(fields) or fields.get("format", FORMAT) != FORMAT:
            raise ValueError(f"export is {line[:100]!r}, expected lines of `xentbench export --format jsonl`")
        if "format" in fields:
            if fields["version"] != VERSION:
                raise ValueError(f"export is of version {fields['version']!r}, expected 1 or {VERSION}")
            said = {}
        elif said is None:
            yield fields
        elif "is" in fields:
            said[fields["key"]] = fields["is"]
        else:
            named = {name: fields[name] for name in (*TEXTS, "environment") if isinstance(fields[name], dict)}
            yield fields | {name: said[one["key"]] for name, one in named.items() if one}
