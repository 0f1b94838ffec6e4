"""One stored answer in words: the worst input, the exact value, what came back, the budget, and why it is exceeded."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.history import change
from harness.model import Case, Checked, Result, Score, Worst
from harness.ops import OPS
from harness.scoring import metrics, tolerances
from reference import bounds, golden
from reference.bounds import linear
from reference.golden import Audited
from suites.checks import invariance, laws, special
from suites.checks.check import Check
from suites.judging import ask
from suites.questions import cases

CLASSES: Mapping[str, str] = {
    "S": "a stable algorithm, shifted by the maximum",
    "P": "the same, with a sum in pairs",
    "C": "the same, with a sum whose roundings behave like chance",
    "E": "the same as S, with exponentials by powers of two, e**-d as 2**(-d log2 e)",
    "N": "the same, with every intermediate result rounded to the narrow format",
    "U": "an algorithm whose final form holds logsumexp itself, which cancels at large logits",
}
BUDGET = (
    "The exact value is computed in arbitrary precision. The budget is a rounding-error bound for this very input, "
    "derived for a stable algorithm in the same precision (Blanchard, Higham and Higham, IMA J. Numer. Anal. 41(4), "
    "2021); it is no tolerance."
)
INPUT_SHOWN = 400  # characters of a worst row
DRAWN = 1 << 24  # numbers that are drawn to explain one
NEAR = 5  # names suggested for one that is not found


@dataclass(frozen=True)
class Explanation:
    """The facts of an answer, in order; `script` asks it again without the harness."""

    result: Result
    versions: Mapping[str, str]
    facts: tuple[tuple[str, str], ...]
    why: str
    script: str


def named(result: Result) -> str:
    """Return an answer's name on the command line: CASE@TARGET."""
    return f"{result.case}@{result.target}"


def find(results: Iterable[Result], name: str) -> Result:
    """Return the answer of that name. Raises ValueError with names like it where there is none."""
    every = {named(result): result for result in results}
    if name not in every:
        near = difflib.get_close_matches(name, every, NEAR, 0.3) or list(every)[:NEAR]
        raise ValueError(f"answer is {name!r}, expected CASE@TARGET of the run, such as {', '.join(near)}")
    return every[name]


def explain(result: Result, versions: Mapping[str, str], certify: Audited, script: str) -> Explanation:
    """Return an answer's explanation; the exact value is taken from the arbiter, to 30 digits."""
    case, target = result.case, result.target
    facts = [
        ("question", f"{case.op}, {case.quantity}, {case.dtype}, {case.rows} x {case.classes}"),
        ("inputs", described(case)),
        ("asked of", f"{target.implementation.framework}: {target}"),
        ("versions", ", ".join(f"{k} {v}" for k, v in versions.items() if k not in {"framework", "device"} and v)),
    ]
    match result.outcome:
        case Score(worst=Worst() as worst) as score:
            facts += [*_score_facts(case, score, worst, certify), *_noticed(result)]
        case Checked() as checked:
            facts += [*_checked_facts(checked), *_noticed(result)]
        case other:
            facts.append(("outcome", change.in_words(other)))
    return Explanation(result, versions, tuple((name, said) for name, said in facts if said), _why(result), script)


def described(case: Case) -> str:
    """Return what the inputs are, in the family's own words, and the claim of a check."""
    family = cases.descriptions().get(case.source.name, "")
    claim = every_check()[case.check].claim if case.check else ""
    return " ".join(part for part in (f"{case.family}:" if family else case.family, family, claim) if part)


def every_check() -> dict[str, Check]:
    """Return the checks of all suites by name."""
    return {**special.SPECIAL.checks, **laws.LAWS.checks, **invariance.INVARIANCE.checks}


def too_many(case: Case) -> bool:
    """Tell whether a case has more numbers than are drawn to look at one of them: a sweep's, of which a row is kept."""
    return case.rows * case.classes > DRAWN


def _score_facts(case: Case, score: Score, worst: Worst, certify: Audited) -> list[tuple[str, str]]:
    asked = ask.asked_alone(case, worst, certify) if score.swept and too_many(case) else ask.asked(case, certify)
    exact = golden.digits(asked.golden, worst.index)
    bound = {kind: float(error[worst.index]) for kind, error in asked.budget.error.items()}
    return [
        *_input_facts(worst),
        ("exact", exact),
        ("expected", _in_decimals(worst.expected)),
        ("got", _in_decimals(worst.got)),
        ("error", f"{abs(worst.ulp):.4g} ulp; over all {score.elements} elements at most {score.max_ulp:.4g}"),
        *((f"budget {kind}", f"{size:.3g} absolute: {CLASSES[kind]}") for kind, size in bound.items()),
        *((("of that", told),) if (told := ask.apart(asked, worst.index)) else ()),
        ("error/budget", ", ".join(f"{kind} {ratio:.4g}" for kind, ratio in score.over_bound.items())),
        ("formula", formula(case)),
        *((name.replace("_", " "), f"{count} elements: {_verdict(name)}") for name, count in score.verdicts.items()),
    ]


def _checked_facts(checked: Checked) -> list[tuple[str, str]]:
    facts = [("found", checked.detail)] if checked.detail else []
    if checked.policy:
        facts.append(("policy", checked.policy))
    if checked.worst:
        facts += [*_input_facts(checked.worst), ("exact", checked.worst.exact)]
        facts += [("expected", _in_decimals(checked.worst.expected)), ("got", _in_decimals(checked.worst.got))]
    return [(name, text) for name, text in facts if text]


def _in_decimals(text: str) -> str:
    """Return a stored number as it is, and in decimals."""
    return text if not text or "n" in text else f"{text} = {float.fromhex(text):.17g}"


def _noticed(result: Result) -> list[tuple[str, str]]:
    """Say whether upstream's own tests would have seen it, of what deviates."""
    if result.judgement not in {"deviates", "known"}:
        return []
    words = tolerances.in_words(tolerances.noticed(result.case.dtype, result.outcome))
    return [("noticed by", f"{words}, at their default tolerances")] if words else []


def _input_facts(worst: Worst) -> list[tuple[str, str]]:
    parts = (("logits", worst.logits), ("label", worst.label), ("upstream", worst.upstream))
    named = [("drawn by" if text.startswith("# python") else name, text) for name, text in parts if text]
    return [("element", str(worst.index)), *((name, _short(text)) for name, text in named)]


def _short(text: str) -> str:
    return text if len(text) <= INPUT_SHOWN else f"{text[:INPUT_SHOWN]} ... (the script has all)"


def formula(case: Case) -> str:
    """Return what a budget is the bound of, in words."""
    if OPS[case.op.name].linear:
        return linear.FORMULAS[case.quantity]
    return " ".join((bounds.FORMULAS[case.op.name, case.quantity].__doc__ or "").split())


def _verdict(name: str) -> str:
    return " ".join((metrics.VERDICTS[name].__doc__ or "").split())


def _why(result: Result) -> str:
    match result.judgement:
        case "conforms":
            return f"It conforms: {result.reason or 'the error is within the budget'}."
        case "unjudged":
            return f"It is not judged: kind is {result.target.implementation.kind}, which promises nothing."
    return result.reason


def text(explanation: Explanation) -> str:
    """Return the explanation for a terminal."""
    width = max(len(name) for name, _ in explanation.facts)
    lines = [f"{name:<{width}}  {value}" for name, value in explanation.facts]
    script = ["", explanation.script] if explanation.script else []
    return "\n".join([named(explanation.result), "", *lines, "", explanation.why, *script])


def issue(explanation: Explanation) -> str:
    """Return the explanation as a bug report in Markdown."""
    result = explanation.result
    implementation = result.target.implementation
    facts = dict(explanation.facts)
    title = f"# {implementation.name} ({result.case.dtype}, {result.target.mode}): {_headline(result)}"
    shown = ("exact", "expected", "got", "error", "error/budget", "found", "noticed by")
    table = [f"| {name} | {facts[name].replace('|', '&#124;')} |" for name in shown if facts.get(name)]
    versions = [f"- {name}: {value}" for name, value in explanation.versions.items() if value]
    script = ["## To reproduce", "", "```python", explanation.script.strip(), "```", ""] if explanation.script else []
    return "\n".join(
        [
            *(title, "", explanation.why, ""),
            *("## What was asked", "", f"{facts['question']}. {facts['inputs']}", ""),
            *("## Expected and got", "", "| | |", "|---|---|", *table, ""),
            BUDGET + (f" Its formula here: {facts['formula']}" if facts.get("formula") else ""),
            *("", *script),
            *("## Versions", "", *versions),
        ]
    )


def _headline(result: Result) -> str:
    match result.outcome:
        case Score() as score:
            what = next(iter(score.verdicts), "").replace("_", " ")
            size = f"{score.max_ulp:.3g} ulp" if score.max_ulp != float("inf") else "no correct digit"
            return f"{result.case.quantity} of {result.case.op} is off by {size}" + (f" ({what})" if what else "")
        case Checked(detail=detail):
            return detail
    return result.reason
