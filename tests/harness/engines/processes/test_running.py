"""A program is started, asked, and started again; whatever else it does has a state of its own."""

import sys

import numpy as np
import pytest

from harness.adapters import NotInstalled, NotSupported
from harness.engines.processes import running
from harness.engines.processes.adapter import Adapter
from harness.model import Failed, Inputs, Op, Target, Unsupported
from tests.conftest import ROOT

X = np.array([[-1.0, 0.0, 2.0]])
PROGRAM = ROOT / "tests" / "made" / "program.py"
SIGMOID = 1 / (1 + np.exp(-X))


def adapter(behaviour):
    """Start the program, so that it behaves."""
    return Adapter("mine", sys.executable, str(PROGRAM), behaviour)


def ask(engine, quantity="value", logits=X, op="sigmoid", **options):
    """Ask an engine's one function."""
    (implementation,) = engine.implementations()
    inputs = Inputs(logits, None, np.full_like(logits, 2))
    return engine.ask(Op.of(op, **options), quantity, inputs, Target(implementation, engine.plainest))


def test_offer_is_read():
    """Modes, dtypes, quantities and facts are the program's own words."""
    engine = adapter("right")

    (implementation,) = engine.implementations()
    assert (implementation.framework, implementation.name, implementation.kind) == ("mine", "my.sigmoid", "fused")
    assert (engine.modes, engine.dtypes, engine.differentiates) == (("plain", "other"), ("float64",), True)
    assert engine.environment("cpu")["version"] == "1.5"


def test_values_and_gradients_are_asked():
    """A value comes back as it was computed, and a gradient times the incoming one."""
    engine = adapter("right")

    np.testing.assert_allclose(ask(engine), SIGMOID, rtol=1e-15)
    np.testing.assert_allclose(ask(engine, "grad_logits"), 2 * SIGMOID / (1 + np.exp(X)), rtol=1e-15)


def test_what_is_not_offered_is_not_asked():
    """Another dtype, option or quantity is unsupported, and the program is left in peace."""
    engine = adapter("dies")

    assert "float64, not float32" in ask(engine, logits=X.astype(np.float32)).reason
    assert isinstance(ask(engine, "grad_labels"), Unsupported)
    with pytest.raises(NotSupported, match="the process protocol has no int16"):
        engine.running.ask([], {"labels": X.astype(np.int16)})
    assert isinstance(ask(engine, label_smoothing=0.1), Unsupported)
    assert engine.died() == ""


@pytest.mark.parametrize(
    ("behaviour", "outcome", "says"),
    [
        ("refuses", Unsupported, "not for me"),
        ("fails", Failed, "Refused: out of ideas"),
        ("chats", Failed, "Broken: line is 'computing now', expected a kind and a number"),
        ("miscounts", Failed, "Broken: the program answered 'answer 2', expected 'answer 1'"),
        ("flattens", Failed, "shape is (3,), expected (1, 3)"),
        ("narrows", Failed, "dtype is float32, expected float64"),
        ("forgets", Failed, "Broken: an answer has the arrays none, expected one named value"),
        ("boasts", Failed, "expected 2147483648 bytes at most"),
    ],
)
def test_what_is_no_answer_has_its_outcome(behaviour, outcome, says):
    """What a program says instead of an answer is told, and it is asked on: it has not died."""
    engine = adapter(behaviour)

    for _ in range(2):
        got = ask(engine)
        assert isinstance(got, outcome)
        assert says.replace("answer 2", "answer ").split("'answer ")[0] in got.reason
    assert engine.died() == ""


@pytest.mark.parametrize(("behaviour", "how"), [("stops", "exit code 3"), ("dies", "SIGSEGV")])
def test_a_death_is_told_once_and_the_program_is_started_again(behaviour, how):
    """A program that ends with a question in hand has died; the next question finds another one."""
    engine = adapter(behaviour)
    deadly = np.zeros((256, 2))

    assert isinstance(ask(engine, logits=deadly), Failed)
    assert engine.died() == f"the program ended ({how})"
    assert engine.died() == ""
    if behaviour == "dies":
        np.testing.assert_allclose(ask(engine), SIGMOID, rtol=1e-15)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("newer", "it speaks version 2 of the protocol, expected 1"),
        ("leaves", "the program ended (exit code 7)"),
        ("silent", "it gives no offer within 0.5 s"),
        ("odd", "op of a function is 'softmin', expected one of softmax"),
    ],
)
def test_a_program_without_an_offer_is_not_installed(behaviour, says, monkeypatch):
    """What keeps a program from being asked is said with its path."""
    monkeypatch.setattr(running, "START_SECONDS", 0.5)

    with pytest.raises(NotInstalled) as caught:
        adapter(behaviour)

    assert says in str(caught.value)
    assert "docs/protocol.md" in str(caught.value)


def test_a_program_that_is_not_there_is_not_installed():
    """A path that leads nowhere is named."""
    with pytest.raises(NotInstalled, match="/no/such/engine does not answer"):
        Adapter("mine", "/no/such/engine")
