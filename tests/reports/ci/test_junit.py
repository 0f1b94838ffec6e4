"""JUnit XML: a test case an (op, dtype, implementation, mode, device), well-formed whatever names hold."""

import io
import re
from xml.etree import ElementTree as ET

import pytest

from harness.model import Crashed, Implementation, NotRun, Target, Unsupported
from reports.ci import junit
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, missing, recorded, result, run, score

BAD = {"judgement": "deviates", "reason": "error is 3 times the class S bound"}


def suite(*results, **fields):
    """Write a run and read its test suite back."""
    to = io.BytesIO()
    junit.write(recorded(*results, **fields), to)
    root = ET.fromstring(to.getvalue())  # noqa: S314 - our own
    assert root.tag == "testsuites"
    (found,) = root
    return found


def test_a_case_a_target_and_dtype():
    """Families and quantities share a case; op, dtype, implementation, mode and device have one each."""
    on_gpu = Target(JAX.implementation, "jit", "cuda:0")
    found = suite(
        *(result(family=name) for name in "abc"), result(dtype="float16"), result(target=JAX), result(target=on_gpu)
    )

    assert [(case.get("classname"), case.get("name")) for case in found.iter("testcase")] == [
        ("jax.softmax", "jax.nn.softmax@jit float32 cpu"),
        ("jax.softmax", "jax.nn.softmax@jit float32 cuda:0"),
        ("torch.softmax", "torch.softmax@eager float16 cpu"),
        ("torch.softmax", "torch.softmax@eager float32 cpu"),
    ]
    assert found.attrib | {"tests": "4", "failures": "0", "errors": "0", "skipped": "0"} == found.attrib


def test_new_deviation_is_a_failure():
    """A case with new deviations fails once, says how many there are, and lists them; a known one does not fail."""
    found = suite(
        result(family="good"),
        *(result(score(9.0, budget=None), f"bad{k}", **BAD) for k in range(25)),
        result(score(9.0), target=JAX, judgement="known", reason="listed"),
    )

    (failure,) = found.iter("failure")
    assert failure.get("message") == "25 new deviations of 26: error is 3 times the class S bound"
    assert failure.text.splitlines()[0] == "softmax-value-bad0-float32-4x8: error is 3 times the class S bound"
    assert failure.text.splitlines()[-1] == "and 5 more"
    assert (found.get("failures"), found.get("errors")) == ("1", "0")


def test_death_is_an_error():
    """A process that died is no failed test but a broken one, whatever else deviates."""
    found = suite(result(Crashed("SIGKILL"), "dead", **BAD), result(family="bad", **BAD))

    (error,) = found.iter("error")
    assert error.get("message") == "crashed: 1 question"
    assert (found.get("failures"), found.get("errors")) == ("0", "1")


def test_what_is_not_there_is_skipped():
    """What a framework does not offer, and what was not run, is skipped with the reason; never a pass."""
    refused = {"judgement": "unjudged", "target": JAX}
    found = suite(
        result(Unsupported("no bf16"), "a", **refused),
        result(Unsupported("no bf16"), "b", **refused),
        result(),
        result(Unsupported("no bf16"), "c"),
        not_run=[missing("tensorflow", "xla", "cuda")],
    )

    skipped = {case.get("name"): case[0].get("message") for case in found.iter("testcase") if len(case)}
    assert skipped == {
        "jax.nn.softmax@jit float32 cpu": "unsupported: no bf16",
        "tensorflow xla cuda": "not run: no tensorflow; try: pip install tensorflow",
    }
    assert found.get("skipped") == "2"


def test_environment_is_in_the_properties():
    """The run, its machine and the versions are properties of the suite."""
    found = suite(result(environment="key"), environments={"key": ENVIRONMENT})

    properties = {one.get("name"): one.get("value") for one in found.iter("property")}
    assert properties["run"] == run().uid
    assert properties["cores"] == "2"
    assert properties["torch: torch"] == "2.11.0"


def test_shape_is_the_schemas():
    """Elements and attributes are those that windyroad/JUnit-Schema asks for, in its order."""
    found = suite(result(), result(target=JAX, **BAD), not_run=[missing()])

    assert [child.tag for child in found] == ["properties", *["testcase"] * 3, "system-out", "system-err"]
    assert found.attrib.keys() == {
        *("id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time")
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", found.get("timestamp"))
    assert all(case.attrib.keys() == {"classname", "name", "time"} for case in found.iter("testcase"))
    assert all(len(case) <= 1 for case in found.iter("testcase"))
    assert all(one.get("type") for one in found.iter("failure"))


def test_what_gave_up_is_an_error():
    """A framework whose questions have no outcome breaks the build; one that is not installed is skipped."""
    reason = "incomplete: 15 of 82 questions answered; f died 3 times and was left out"

    found = suite(result(), not_run=[missing("jax"), NotRun("torch", "", "", reason)])

    assert (found.get("errors"), found.get("skipped")) == ("1", "1")
    assert [one.get("message") for one in found.iter("error")] == [f"not run: {reason}"]


@pytest.mark.parametrize("name", [HOSTILE, "\x00\x0b\ufffe\ud800 &amp; ]]> <!-- \"'"])
def test_hostile_names_are_text(name):
    """A name full of markup, quotes and what XML cannot write is text, and ends nothing."""
    target = Target(Implementation(name, "softmax", name, "fused"), name, name)
    found = suite(
        result(score(9.0, budget=None), name, target, "deviates", name),
        environments={"key": {name or "x": name}},
        not_run=[missing(name)],
        run=run(name),
    )

    assert [child.tag for child in found] == ["properties", *["testcase"] * 2, "system-out", "system-err"]
    assert next(found.iter("failure")).text.startswith(f"softmax-value-{name[:1] if name[0] == '<' else chr(0xFFFD)}")
