"""The way from a question to a judged result, whoever records it."""

import ctypes
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from harness.adapters import judged, state
from harness.adapters.numpy import Adapter
from harness.model import Case, Checked, Op, Target
from harness.running.measured import NAME, Measured
from harness.scoring import metrics
from reference.cache import Memory
from suites.judging.brake import Brake
from suites.judging.claim import Claim
from suites.judging.judge import Known

CASE = Case(Op.of("sigmoid"), "value", "normal", "float32", 4, 5)


@dataclass
class Written:
    """Writes down what it is told, in order."""

    lines: list = field(default_factory=list)

    def begin(self, case, target):
        """Write a question down."""
        self.lines.append(("begin", case, target))

    def end(self, result):
        """Write a result down."""
        self.lines.append(("end", result))

    def found(self, result):
        """Write down what was found beside an answer."""
        self.lines.append(("found", result))

    def not_asked(self, case, target):
        """Write down what is spared."""
        self.lines.append(("not asked", case, target))

    def leave(self):
        """Write down that the process would end."""
        self.lines.append(("leave",))

    def note(self, text):
        """Write a remark down."""
        self.lines.append(("note", text))

    def environment(self, adapter, device):
        """Return a key that tells what it was made of."""
        return f"{adapter.catalogue.framework} on {device}"


def halved(logits):
    """Be wrong, and return two things."""
    return np.tanh(logits), logits


@pytest.fixture
def question():
    """Return a question to a wrong function."""
    adapter = Adapter().judging(judged.by_framework([("numpy", "sigmoid", halved)])["numpy"], every_mode=True)
    (implementation,) = adapter.implementations()
    return adapter, CASE, Target(implementation, "eager")


def test_result_is_judged_and_recorded(question):
    """A wrong answer deviates; the recorder hears of question, result and remark."""
    recorder = Written()

    result = Claim(recorder, Memory().golden, ())(question)

    assert (result.judgement, result.environment, len(result.content)) == ("deviates", "numpy on cpu", 64)
    note = "`halved` returned a tuple of 2; its first element is judged"
    assert recorder.lines == [("begin", CASE, question[2]), ("end", result), ("note", note)]


def test_known_deviations_are_known(question):
    """What is accepted is recorded with its reason."""
    known = (Known("sigmoid-*", "halved@*", "as planned"),)

    result = Claim(Written(), Memory().golden, known)(question)

    assert (result.judgement, result.reason) == ("known", "as planned")


@pytest.mark.parametrize(("strict", "judgement"), [(False, "unjudged"), (True, "deviates")])
def test_strict(question, strict, judgement):
    """What is recorded otherwise deviates where one is strict."""
    adapter, case, target = question
    asked = Case(case.op, "value", "normal", "float32", 4, 5, check="invariance.batch")

    def answer(*_):
        return Checked(4, 0.0, "bits differ", "row 1")

    result = Claim(Written(), Memory().golden, (), strict=strict)((adapter, asked, target), answer)

    assert (result.judgement, result.content) == (judgement, "")


def rude(logits):
    """Answer rightly, and replace a function of numpy's."""
    np.cos = np.sin
    return 1 / (1 + np.exp(-logits))


def test_change_of_the_process_is_a_finding():
    """What a call changes is recorded beside its answer, once, and is undone before that is measured."""
    adapter = Adapter().judging(judged.by_framework([("numpy", "sigmoid", rude)])["numpy"], every_mode=True)
    target = Target(adapter.implementations()[0], "eager")
    recorder, cosine = Written(), np.cos

    claim = Claim(recorder, Memory().golden, ())
    results = [
        claim((adapter, Case(CASE.op, "value", family, "float32", 4, 5), target)) for family in ("normal", "offset")
    ]

    assert [line[0] for line in recorder.lines] == ["begin", "found", "end", "begin", "end"]
    found = recorder.lines[1][1]
    assert (found.case.check, found.judgement) == ("invariance.process", "deviates")
    assert found.reason == "the call changes functions of numpy (cos)"
    assert [result.judgement for result in results] == ["conforms"] * 2
    assert np.cos is cosine


@pytest.mark.skipif(sys.platform != "linux", reason="the number of the direction is that of x86-64")
def test_nothing_is_measured_in_another_mode(question):
    """A mode that was left behind where no fence is, as by a framework that was loaded, is the default one again."""
    wrong = Claim(Written(), Memory().golden, ())(question).outcome
    try:
        ctypes.PyDLL(None).fesetround(0x800)

        assert Claim(Written(), Memory().golden, ())(question).outcome == wrong
        assert state.MODE() == ""
    finally:
        state.MODE.restore()


def test_spared_question_is_not_asked(question):
    """Once the brake has stopped, the recorder hears of what is not asked."""
    recorder = Written()
    claim = Claim(recorder, Memory().golden, (), Brake(first=True))

    claim(question)

    assert claim(question) is None
    assert recorder.lines[-1] == ("not asked", CASE, question[2])


def test_an_answer_of_the_same_bits_is_not_measured_again(question, tmp_path, monkeypatch):
    """The function is called, and its score is the one that was kept; with one other bit it is measured."""
    first = Claim(Written(), Memory().golden, (), measured=Measured(tmp_path / NAME, "one"))
    before = first(question)
    first.measured.close()
    adapter = question[0]
    calls, answers = [], []
    ask_as_before, measure_as_before = type(adapter).ask, metrics.against

    def asked(*args, **others):
        got = ask_as_before(*args, **others)
        calls.append(got.tobytes())
        if answers:
            got.view(np.uint32)[3, 4] ^= 1
        return got

    monkeypatch.setattr(type(adapter), "ask", asked)
    monkeypatch.setattr(metrics, "against", lambda *_: pytest.fail("it is measured again"))
    again = Claim(Written(), Memory().golden, (), measured=Measured(tmp_path / NAME, "one"))
    assert (again(question), len(calls), again.measured.taken) == (before, 1, 1)

    answers.append("changed")
    monkeypatch.setattr(metrics, "against", measure_as_before)
    changed = Claim(Written(), Memory().golden, (), measured=Measured(tmp_path / NAME, "one"))(question)
    assert len(calls) == 2
    assert changed.outcome.bits != before.outcome.bits


def broken(_):
    """Raise, as a kernel that left its device broken does."""
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


@pytest.mark.parametrize(("device", "lost", "left"), [("cuda:0", True, 1), ("cuda:0", False, 0), ("cpu", True, 0)])
def test_a_lost_device_ends_the_process_with_its_question_in_hand(monkeypatch, device, lost, left):
    """Where a failure has left the device unusable the process ends before the result is recorded, and never else."""
    adapter = Adapter().judging(judged.by_framework([("numpy", "sigmoid", broken)])["numpy"], every_mode=True)
    monkeypatch.setattr(type(adapter), "lost", lambda _, asked: asked == device and lost)
    recorder = Written()

    target = Target(adapter.implementations()[0], "eager", device)
    result = Claim(recorder, Memory().golden, ())((adapter, CASE, target))

    assert result.outcome.error == "RuntimeError"
    assert [line[0] for line in recorder.lines] == ["begin", *["leave"] * left, "end"]
