"""A script that asks one stored question again: the framework alone, none of the harness.

The script is a template of reproducer/ with holes, so that the page carries one for each way of calling and
fills in the numbers itself (static/detail.js does what `script` does).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from harness.forms import IMPORTS
from harness.model import Op, Result, Score, Target
from harness.ops import OPS, Record
from reports import layout
from reports.reproducer import calls, ways

if TYPE_CHECKING:
    from collections.abc import Mapping

HOLE = re.compile(r"%%(\w+)%%")
RECIPE = re.compile(r"def |# python|import |row\b")  # how an input that draws itself begins; else it is hex floats
WORDS_A_LINE = 5
NOTHING: Mapping[str, str] = {}
GRADIENTS = {"value": "logits"}  # else what the quantity's name says
SPARSE = """row = np.zeros_like(row)  # but for
for place, number in (word.split("=") for word in "{}".split()):
    row[int(place)] = float.fromhex(number)"""


def offered(result: Result, facts: Mapping[str, str] = NOTHING) -> bool:
    """Tell whether there is a script for an answer: a Score with a worst element, of options a call is written for.

    facts: those of its environment. A judged function, which has a `file` there, is asked again without options alone.
    """
    worst = isinstance(result.outcome, Score) and result.outcome.worst is not None
    if facts.get("file"):
        return worst and not result.case.op.options and result.target.implementation.name.isidentifier()
    return worst and calls.written(result.case.op)


def script(result: Result, facts: Mapping[str, str] = NOTHING) -> str:
    """Return the script for the worst element of a result; needs one, so a Score with `worst`.

    facts: those of its environment. `file` is what a judged function was read from; `imports` are the lines that import
    a framework which is none of ours, apart by semicolons; `program` is the command of a program that answered.
    """
    assert isinstance(result.outcome, Score)
    worst = result.outcome.worst
    assert worst is not None
    holes: Mapping[str, str] = {
        "title": " ".join(f"{result.case}|{result.target.implementation.framework}|{result.target}".split()),
        "dtype": result.case.dtype,
        "logits": code(worst.logits),
        "labels": code(worst.label),
        "label": worst.label,
        "upstream": code(worst.upstream),
        "exact": worst.exact,
        "expected": worst.expected,
        "got": worst.got,
        "column": str(worst.index[-1] if worst.index else 0),
        "index": " ".join(f"{place}," for place in worst.index),
    }
    return HOLE.sub(lambda hole: holes[hole[1]], template(result, facts))


def template(result: Result, facts: Mapping[str, str] = NOTHING) -> str:
    """Return the script with holes, the same for all dtypes and inputs of a way of calling."""
    case = result.case
    assert isinstance(result.outcome, Score)
    worst = result.outcome.worst
    element = worst is not None and len(worst.index) > 1
    shape = f"{case.rows}x{case.classes}"
    classes = "row.size" if case.family.startswith("width_") else str(case.classes)  # a row of any width
    known = (facts.get("file", ""), facts.get("imports", ""), facts.get("program", ""))
    return _template(case.op, result.target, case.quantity, (shape, classes), element, known)


@functools.cache
def _template(
    op: Op,
    target: Target,
    quantity: str,
    size: tuple[str, str],
    element: bool,  # noqa: FBT001 - part of a key
    known: tuple[str, str, str],
) -> str:
    (shape, classes), (file, imports, program), name = size, known, target.implementation.name
    way = ways.way(op, target, program)
    call = calls.call(way.framework, way.name, op) if (way.framework in IMPORTS or imports) and not file else None
    record = OPS.get(op.name)  # none of an op of another version
    linear = record is not None and record.linear
    return layout.fill(
        "reproducer/reproducer.py.j2",
        engine=target.implementation.framework,
        framework=way.framework,
        way=way,
        op=op.name,
        imports=[
            *(imports.split("; ") if imports else calls.imports(way.framework, call.expression if call else "")),
            *way.imports,
        ],
        name=" ".join(name.split()),
        call=call,
        file=file,
        takes_axis=record is not None and record.takes_axis,
        mode=target.mode,
        device=target.device,
        labels=record.labels if record else "none",
        takes=record.takes if record else "logits",
        linear=linear,
        given=_given(record, op),
        arrays=[*record.arrays, *(["bias"] if "bias" in op.options else [])] if record else ["logits"],
        wrt=GRADIENTS.get(quantity, quantity.removeprefix("grad_")),
        mean=op.options.get("reduction") == "mean",
        classes=classes,
        quantity=quantity,
        shape=shape,
        element=element,
    )


def _given(record: Record | None, op: Op) -> str:
    """Return the arrays that are put to the function, by their names in the script."""
    if record is not None and record.linear:
        return ", ".join((*record.arrays, *(("bias",) if "bias" in op.options else ())))
    return "logits" if record is None or record.labels == "none" else "logits, labels"


def code(text: str) -> str:
    """Return code that binds `row`: a recipe does so itself; hex floats are read, or `index=value` of what is not 0."""
    if RECIPE.match(text):
        return text
    words = text.split()
    if not words or "=" in text:
        return SPARSE.format(" ".join(words))
    lines = [" ".join(words[at : at + WORDS_A_LINE]) for at in range(0, len(words), WORDS_A_LINE)]
    wrapped = "\n    ".join(lines)
    return f'row = np.array([float.fromhex(x) for x in """\n    {wrapped}\n""".split()])'
