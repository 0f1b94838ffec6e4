"""Runs that charts are drawn of: a sweep over magnitudes, and timings beside answers; names try to break out."""

from harness.model import Case, Failed, Implementation, Op, Result, Run, Score, Target, Timing
from reports.material import Material

INF = float("inf")
EVIL = "jax.<img src=x onerror=alert(1)>"
SIZES = (0.001, 1.0, 30.0, 10_000.0)
TORCH, OTHER_TORCH, JAX = (
    Target(Implementation(framework, "softmax", name, "fused"), mode)
    for framework, name, mode in (
        ("torch", "torch.softmax", "eager"),
        ("torch", "torch.nn.Softmax", "eager"),
        ("jax", EVIL, "jit"),
    )
)
FAST, WORSE, UNASKED = (
    Target(Implementation(framework, "softmax", name, "fused"), mode)
    for framework, name, mode in (
        ("torch", "torch.softmax", "compile"),
        ("tensorflow", "tf.nn.softmax", "eager"),
        ("torch", "torch.special.softmax", "eager"),
    )
)


def material(results):
    """Make what a page sees."""
    return Material(Run("r", "2026-11-21T08:00:00+00:00", None, "xentbench run", "quick", {}), results, {}, [])


def case(family, quantity="value", classes=64, dtype="float32"):
    """Make a case of softmax."""
    return Case(Op.of("softmax"), quantity, family, dtype, 32, classes)


def answer(target, family, ulp, quantity="value", dtype="float32"):
    """Make an answer whose error is a tenth of its ulps over the bound of class S; None raises."""
    if ulp is None:
        return Result(case(family, quantity, dtype=dtype), target, Failed("raised", "boom"), "unjudged")
    score = Score(10, ulp, ulp / 2, 0.0, {"S": ulp / 10, "U": ulp / 20}, "S" if ulp <= 10 else None)
    return Result(case(family, quantity, dtype=dtype), target, score, "conforms")


def timing(target, seconds, quantity="value", classes=1000, workers=1):
    """Make a timing around a median: three rounds, or as many in each of a tournament's processes."""
    outcome = Timing((seconds * 1.01, seconds / 1.01, seconds) * workers, 10, 1.0, workers)
    return Result(case("speed", quantity, classes), target, outcome, "unjudged")


def swept():
    """Return answers to a sweep: jax grows and ends in infinity, one of torch raises at first, the other is exact.

    The naive composition is no function that promises anything.
    """
    ulps = {TORCH: (None, 0.6, 1.3, 2.5), OTHER_TORCH: (0.0, 0.5, 1.7, 2.2), JAX: (0.4, 0.8, 123_456.0, INF)}
    sweep = [
        answer(who, f"magnitude/{s:g}", u) for who, errors in ulps.items() for s, u in zip(SIZES, errors, strict=True)
    ]
    naive = Target(Implementation("jax", "softmax", "jnp.exp(logits) / jnp.exp(logits).sum()", "naive"), "jit")
    return material([answer(JAX, "normal", 0.5), *sweep, answer(naive, "magnitude/30", INF)])


def timed():
    """Return timings and answers: the fastest, one slower and ten times closer, one worse in both, one unasked."""
    answers = [
        answer(FAST, "normal", 3.0),
        answer(FAST, "confident", 5.0),
        answer(FAST, "extremes", 1e9),
        answer(FAST, "subnormals", 1e9),
        answer(FAST, "magnitude/10000", 1e9),
        answer(FAST, "published/so-softmax-4", 1e9),
        answer(FAST, "normal", 1e9, "grad_logits"),
        answer(FAST, "normal", 1e9, dtype="bfloat16"),
        answer(JAX, "normal", 0.5),
        answer(WORSE, "normal", INF),
    ]
    times = {WORSE: 4e-5, JAX: 2e-5, UNASKED: 8e-5, FAST: 1e-5}
    return material([*answers, *(timing(target, seconds) for target, seconds in times.items())])
