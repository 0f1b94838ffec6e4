"""`xentbench accept FINDING`: a deviation that one has accepted is known from then on, with its reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.files.recall import existing
from harness.history import change
from harness.model import Crashed, Failed, Result, TimedOut
from suites import explain
from suites.judging import brake, findings, judge, mechanism
from suites.judging.accepted import versions
from xentbench import options
from xentbench.judging.command import JUDGED
from xentbench.screen import refusing, say

ACCEPTED = Path("accepted.toml")
DIGITS = 3


def accept(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="CASE@TARGET of any of its answers")],
    reason: Annotated[str, typer.Option(help="why it is accepted, for whoever reads the list")],
    store: options.OwnStore = JUDGED,
    run_uid: options.RunUid = "latest",
    known: options.Known = [],  # noqa: B006 - typer's way to write several
    link: Annotated[str, typer.Option(help="where more is said of it")] = "",
) -> None:
    """Accept a deviation of judge or of a run: it is a known one from then on.

    All answers of its cause are accepted, as far off as they are now, with the versions of now; what is worse than that
    is news again, and so is one that was gone and is back with another version. The list is the first file of --known,
    else accepted.toml; name it to `judge`, `run`, `compare`, `status` and `report` by --known.

    Examples:
      xentbench accept 'softmax-value-offset-float32-32x64@my_softmax@eager' --reason 'logits stay below 80'
      xentbench accept CASE@TARGET --store build/results.sqlite --reason 'no label is masked here'

    Exit codes:
      2  an option is off, or no stored answer is named so
    """
    with refusing(), existing(store) as opened:
        results = list(opened.results(opened.run(run_uid).uid))
        chosen = explain.find(results, finding)
        if chosen.judgement not in {"deviates", "known"}:
            raise ValueError(f"answer {finding} is {chosen.judgement}, expected one that deviates")
        died = isinstance(chosen.outcome, Crashed | TimedOut)
        if died:
            raise ValueError(
                f"answer {finding} is none ({change.in_words(chosen.outcome)}), expected one that deviates; "
                "a process that dies or hangs is never accepted"
            )
        members = alike(results, chosen)
        file = known[0] if known else ACCEPTED
        seen = versions(chosen.target, opened.environments().get(chosen.environment, {}))
        append(file, entry(members, reason, link, seen))
        judge.listed(file)  # raises where what stood there before is no list
    answers = f"{len(members)} answer{'' if len(members) == 1 else 's'}"
    say(f"{file}: accepted {answers} that deviate like {finding}; try: --known {file}, of judge, run and compare")


def alike(results: Sequence[Result], chosen: Result) -> list[Result]:
    """Return the answers of the same function that deviate for the same cause."""
    own = [
        result
        for result in results
        if result.target.implementation == chosen.target.implementation and result.judgement == chosen.judgement
    ]
    return next(members for members in findings.causes(own).values() if chosen in members)


def entry(members: Sequence[Result], reason: str, link: str, seen: Sequence[str] = ()) -> str:
    """Return an entry of the list that covers some answers, and such as were not asked for being alike.

    seen: the versions that they were given with.
    """
    cases = list(dict.fromkeys(pattern(result, members) for result in members))
    targets = list(dict.fromkeys(str(result.target) for result in members))
    lines = ["[[known]]", f"case = {listed(cases)}", f"target = {listed(targets)}"]
    if any(isinstance(result.outcome, Failed) for result in members):
        lines.append("raises = true")
    largest = max(judge.over(result.outcome) or 0.0 for result in members)
    if math.isfinite(largest):
        lines.append(f"at_most = {math.ceil(largest * 10**DIGITS) / 10**DIGITS}")
    lines.append(f"reason = {text(reason)}")
    if seen:
        lines.append(f"seen = {listed(seen)}")
    if link:
        lines.append(f"link = {text(link)}")
    return "\n".join(lines) + "\n"


def pattern(result: Result, members: Sequence[Result]) -> str:
    """Return a case's id; where ten alike ended the asking, a glob over its families and shapes."""
    case, group = result.case, mechanism.group(result.case)
    same = [member for member in members if (member.target, mechanism.group(member.case)) == (result.target, group)]
    if case.check or len(same) < brake.ALIKE:
        return str(case)
    return f"{case.op.name}*-{case.quantity}-*-{case.dtype}-*"


def listed(words: Sequence[str]) -> str:
    """Return a list as TOML has it, one a line."""
    return "[\n" + "".join(f"    {text(word)},\n" for word in words) + "]"


def text(words: str) -> str:
    """Return a text as TOML has it."""
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def append(file: Path, lines: str) -> None:
    """Add an entry to a file, which is made where there is none. Raises ValueError where it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as to:
            to.write(("\n" if file.stat().st_size else "") + lines)
    except OSError as error:
        raise ValueError(f"list is {file} ({error.strerror}), expected a file that can be written") from error
