"""The overview: what became better and worse since the run before, accuracy apart from speed."""

import dataclasses

from harness.model import Crashed, Implementation, Target, Unsupported
from reports.material import Material
from reports.pages import overview
from tests.made import records
from tests.made.records import checked, recorded, result, run, score, timing


def material(before, *results):
    """Return what the page sees of a run a day later."""
    return Material(run("20260102T000000-bbb", 2), results, {}, (), before=[before] if before else [])


def test_counts_accuracy_apart_from_speed():
    """A larger error is worse accuracy; a slower call is worse speed; what stayed is neither."""
    before = recorded(result(score(1.0)), result(score(2.0), "offset"), result(timing(*[1.0] * 9), "speed"))
    page = material(before, result(score(9.0)), result(score(2.0), "offset"), result(timing(*[2.0] * 9), "speed"))
    since = overview.since(page)

    accuracy, speed = (since.found.counts_of(aspect) for aspect in ("accuracy", "speed"))
    assert (accuracy["worse"], accuracy["unchanged"], sum(accuracy.values())) == (1, 1, 2)
    assert (speed["worse"], sum(speed.values())) == (1, 1)
    assert "Since run" in overview.render(page)


def test_no_run_before_says_nothing():
    """Without a run before, or with one that shares no question, nothing is said to be unchanged."""
    assert overview.since(material(None, result())) is None
    assert overview.since(material(recorded(result(family="offset")), result())) is None
    assert "Since run" not in overview.render(material(None, result()))


def test_an_upgrade_is_named_and_names_are_escaped():
    """The version that changed stands beside the counts; a hostile reason stays text."""
    hostile = dataclasses.replace(records.TORCH, mode=records.HOSTILE)
    old, new = ({"framework": "torch", "torch": version} for version in ("2.11.0", "2.13.0"))
    before = recorded(result(score(1.0), target=hostile, environment="a"), environments={"a": old})
    changed = result(score(9.0), target=hostile, environment="b")
    page = dataclasses.replace(material(before, changed), environments={"b": new})
    html = overview.render(page)

    assert "torch 2.11.0 → 2.13.0" in html
    assert "<script>alert" not in html


def test_what_was_noted_is_told():
    """What was taken from a cache stands where the run is described, as text; nothing where all was new."""
    told = dataclasses.replace(run(), notes=("torch: 2 of 3 measurements", "<script>alert(1)</script>"))
    html = overview.render(Material(told, (result(),), {}, ()))

    assert "<dt>noted</dt><dd><span>torch: 2 of 3 measurements</span><span>&lt;script&gt;" in html
    assert "<dt>noted</dt>" not in overview.render(material(None, result()))


def test_timings_name_no_version_twice():
    """What is timed has an environment of its own, with its card; the overview names a framework once, without."""
    facts = {"framework": "torch", "torch": "2.13.0", "threads": "1"}
    environments = {"plain": facts, "timed": facts | {"card: allocator": "glibc malloc"}}
    both = (result(environment="plain"), result(timing(1.0), "speed", environment="timed"))
    page = dataclasses.replace(material(None, *both), environments=environments)

    assert overview.versions(page) == [("torch", "torch 2.13.0 (1 thread)")]
    assert overview.environments(page) == [(["torch"], [("torch", "2.13.0"), ("threads", "1")])]


def test_modes_of_one_mistake_are_one_group():
    """A function that deviates in two modes is one line that names both, told by the worse of them."""
    jit = dataclasses.replace(records.TORCH, mode="jit")
    eager, compiled = result(score(5.0)), result(score(9.0), "offset", target=jit)
    (group,) = overview.deviations([eager, compiled])

    assert (group.modes, group.count, group.families) == (("eager", "jit"), 2, ("normal", "offset"))
    assert group.worst is compiled


def named(name, outcome=None, bits="a1", family="normal", **fields):
    """Return an answer of a function of torch."""
    target = Target(Implementation("torch", "softmax", name, "fused"), "eager")
    return result(outcome or score(bits=bits), family, target, **fields)


def test_a_function_counts_once():
    """Two names of one function and another one are two functions; of the names the worse answer is the function's."""
    both = [named(name, family=family) for name in ("softmax", "nn.softmax") for family in ("normal", "offset")]
    bad = named("nn.softmax", checked(9.0), family="sums", check="law.sum", judgement="deviates")
    good = named("softmax", checked(), family="sums", check="law.sum")
    (line,) = overview.score.frameworks(material(None, *both, named("other", bits="b2"), good, bad))

    assert (line.score.conform, line.score.judged, line.score.text) == (3, 4, "75 %")
    assert (line.look, line.verdict.sentence) == ("bad", "1 new deviation")


def test_a_score_is_of_what_was_judged():
    """What is shown, unsupported or timed is in no score; a crash is no pass; 100 % are said of all alone."""
    others = (
        result(judgement="unjudged"),
        result(Unsupported("no"), "u", judgement="unjudged"),
        result(timing(1.0), "t", judgement="unjudged"),
    )
    (line,) = overview.score.frameworks(material(None, *others))
    assert line.score.text == "not judged"

    many = [result(family=f"f{k}") for k in range(1999)]
    (line,) = overview.score.frameworks(material(None, *many, result(Crashed("no"), "c", judgement="deviates")))
    assert line.score.text == "99.9 %"
    (line,) = overview.score.frameworks(material(None, *many))
    assert line.score.text == "100 %"


def test_frameworks_say_what_changed_and_what_was_not_run():
    """A framework has what is judged otherwise than before, for the worse and the better, and what of it is missing."""
    before = recorded(result(family="a"), result(family="b", judgement="known"), result(family="c"))
    after = (result(score(9.0, budget=None), "a", judgement="deviates"), result(family="b"), result(family="c"))
    page = dataclasses.replace(material(before, *after), not_run=[records.missing("jax")])
    jax, torch = overview.score.frameworks(page)

    assert (len(torch.worse), len(torch.better), torch.not_run) == (1, 1, [])
    assert (jax.score.text, jax.verdict.sentence, len(jax.not_run)) == ("not judged", "nothing was judged", 1)
    (alone,) = overview.score.frameworks(material(None, *after))
    assert alone.worse is None
    html = overview.render(page)
    assert "1 worse" in html
    assert "no run before" not in html
