"""Results of a judged function, made by hand."""

from harness.model import Case, Implementation, Op, Result, Score, Target, Worst

WORST = Worst((0, 1), "0x1p+0 0x1p+1", "", "", "0.75", "0x1.8p-1", "0x1.9p-1", 2.0)


def target(name="kernel", mode="eager", op="softmax"):
    """Return who answers."""
    return Target(Implementation("torch", op, name, "fused"), mode)


def score(over=2.0, worst=WORST, **verdicts):
    """Return a score so far over its bound."""
    return Score(10, 3.0, 1.0, 0.0, {"S": over}, "S" if over <= 1 else None, verdicts, worst)


def result(outcome, judgement="deviates", *, who=None, reason="the reason", **case):
    """Return a result as a run stores it; `case` replaces fields of the plain question."""
    fields = {"op": Op.of("softmax"), "quantity": "value", "family": "normal", "dtype": "float32"} | case
    asked = Case(**{"rows": 32, "classes": 64} | fields)
    return Result(asked, who or target(op=asked.op.name), outcome, judgement, reason)
