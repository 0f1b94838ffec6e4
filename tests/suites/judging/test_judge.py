"""Judgements: what conforms, what is known, what is news, and what is not judged."""

import pytest

from harness.model import (
    Case,
    Checked,
    Crashed,
    Failed,
    Implementation,
    Op,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)
from suites.judging import judge
from suites.judging.judge import Known

CASE = Case(Op.of("softmax"), "value", "offset", "float32", 32, 64)
KNOWN = Known("softmax-value-*", "lib.softmax@eager", "it is as it is", at_most=20.0, link="https://example.org/1")


def target(kind="fused", mode="eager"):
    """Return who answers."""
    return Target(Implementation("lib", "softmax", "lib.softmax", kind), mode)


def score(over=0.5, budget_class="S", **verdicts):
    """Return a score with the given class."""
    return Score(10, 3.25, 1.0, 0.0, {"S": over, "U": over / 4}, budget_class, verdicts)


INFINITE = float("inf")
ENTRY = '[[known]]\ncase = "*"\ntarget = "*"\nreason = "r"\n'  # a whole one, without what may be left out


@pytest.mark.parametrize(
    ("outcome", "kind", "expected"),
    [
        pytest.param(score(), "fused", "conforms", id="class S"),
        pytest.param(score(3.0, "N"), "fused", "conforms", id="class N"),
        pytest.param(score(3.0, "E"), "fused", "conforms", id="class E"),
        pytest.param(score(3.0, "U"), "fused", "deviates", id="class U"),
        pytest.param(score(30.0, None), "fused", "deviates", id="no class"),
        pytest.param(score(INFINITE, None, nan=3), "fused", "deviates", id="nan"),
        pytest.param(score(), "composed", "unjudged", id="composed, class S"),
        pytest.param(score(30.0, None), "composed", "unjudged", id="composed, no class"),
        pytest.param(score(30.0, None), "naive", "unjudged", id="naive"),
        pytest.param(score(30.0, None), "misuse", "unjudged", id="misuse"),
        pytest.param(score(30.0, None), "control", "unjudged", id="control"),
        pytest.param(Checked(10, 1.0), "fused", "conforms", id="claim kept"),
        pytest.param(Checked(10, 1.5), "fused", "deviates", id="claim broken"),
        pytest.param(Checked(10, INFINITE, detail="no"), "fused", "deviates", id="rule broken"),
        pytest.param(Checked(10, 0.5, "bits differ"), "fused", "unjudged", id="policy"),
        pytest.param(Checked(10, 1.5, "bits differ"), "fused", "deviates", id="claim broken beside a policy"),
        pytest.param(Checked(10, 1.5), "naive", "unjudged", id="claim broken by a naive one"),
        pytest.param(Failed("raised", "no", "RuntimeError"), "fused", "deviates", id="fused raises"),
        pytest.param(Failed("raised", "no", "RuntimeError"), "naive", "unjudged", id="naive raises"),
        pytest.param(Crashed("SIGSEGV"), "fused", "deviates", id="crash"),
        pytest.param(Crashed("SIGSEGV"), "naive", "deviates", id="crash of a naive one"),
        pytest.param(TimedOut(60.0), "control", "deviates", id="time-out"),
        pytest.param(Unsupported("no such option"), "fused", "unjudged", id="unsupported"),
        pytest.param(Timing((1e-3,), 1, 0.1), "fused", "unjudged", id="timing"),
    ],
)
def test_judgement_without_known_deviations(outcome, kind, expected):
    """Fused functions are held to classes S and N, all are held to answering, and the rest is shown unjudged."""
    judgement, reason = judge.judge(CASE, target(kind), outcome, ())

    assert judgement == expected
    assert bool(reason) == (expected == "deviates")


@pytest.mark.parametrize(
    ("outcome", "known", "expected"),
    [
        pytest.param(score(15.0, None), KNOWN, "known", id="as listed"),
        pytest.param(score(20.0, None), KNOWN, "known", id="at its most"),
        pytest.param(score(20.5, None), KNOWN, "deviates", id="worse than listed"),
        pytest.param(score(INFINITE, None), KNOWN, "deviates", id="nan where a size is listed"),
        pytest.param(score(INFINITE, None), Known("*", "*", "any size"), "known", id="any size"),
        pytest.param(score(), KNOWN, "conforms", id="conforms again"),
        pytest.param(score(15.0, None), Known("softmax-grad*", "*", "other"), "deviates", id="another case"),
        pytest.param(score(15.0, None), Known("*", "*@graph", "other"), "deviates", id="another target"),
        pytest.param(score(15.0, None), Known(["logsumexp*", "softmax*"], ["a@*", "lib*"], "x"), "known", id="lists"),
        pytest.param(score(15.0, None), Known(["logsumexp*"], ["lib*"], "x"), "deviates", id="in no list"),
        pytest.param(score(15.0, None), Known("SOFTMAX*", "*", "other"), "deviates", id="another letter case"),
        pytest.param(Failed("raised", "no"), KNOWN, "deviates", id="a listed one that raises"),
        pytest.param(
            Failed("raised", "no"), Known("*", "*", "raises", raises=True), "known", id="one that is listed to raise"
        ),
    ],
)
def test_judgement_with_a_known_deviation(outcome, known, expected):
    """A listed deviation is known as far as it is listed; one that is worse is news."""
    assert judge.judge(CASE, target(), outcome, [known])[0] == expected


@pytest.mark.parametrize(("options", "expected"), [("acc_dtype=torch.float32", "deviates"), ("", "conforms")])
def test_a_name_that_says_float32_is_held_to_it(options, expected):
    """Sums in 16 bits, class N, are no answer of what is asked to add up in float32."""
    named = Target(Implementation("lib", "softmax", f"lib.softmax({options})", "fused"), "eager")

    assert judge.judge(CASE, named, score(3.0, "N"), ())[0] == expected
    assert judge.judge(CASE, named, score(3.0, "E"), ())[0] == "conforms"


def test_reasons_say_what_is_wrong():
    """A known deviation gives its reason and link; news gives the size, the class met and the verdicts."""
    known = judge.judge(CASE, target(), score(15.0, None), [KNOWN])[1]
    news = judge.judge(CASE, target(), score(15.0, "U", zero_for_nonzero=2), ())[1]

    assert known == "it is as it is (https://example.org/1)"
    assert news == "error is 15 times the class S bound (meets class U; max 3.25 ulp, zero for nonzero: 2)"


def test_first_entry_that_covers_gives_the_reason():
    """Entries are tried in order, and one that does not reach far enough is passed over."""
    entries = [Known("*", "*", "too small", at_most=2.0), Known("*", "*", "large enough")]

    assert judge.judge(CASE, target(), score(15.0, None), entries) == ("known", "large enough")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[[known]]\ncase = "*"\ntarget = "*"\n', "reason", id="reason is missing"),
        pytest.param('[[known]]\ncase = "*"\ntarget = "*"\nreason = "r"\natmost = 2\n', "atmost", id="misspelt key"),
        pytest.param('[[known]]\ncase = 3\ntarget = "*"\nreason = "r"\n', "case is 3, expected a text", id="case"),
        pytest.param(ENTRY + 'at_most = "2"\n', "at_most is '2', expected a number", id="at_most"),
        pytest.param(ENTRY + 'raises = "no"\n', "raises is 'no', expected true or false", id="raises"),
        pytest.param(ENTRY + "seen = [1]\n", "seen is 1, expected a text", id="seen"),
        pytest.param("known = 3\n", r"known is 3, expected case, target, reason, perhaps at_most", id="no table"),
    ],
)
def test_bad_entry_is_named(tmp_path, text, message):
    """An entry with a missing or misspelt key, or a value of another type, is an error that names file and key."""
    path = tmp_path / "expected.toml"
    path.write_text(text)

    with pytest.raises(ValueError, match=rf"an entry of .*expected\.toml is not as expected: .*{message}"):
        judge.known_deviations([path])


def test_file_that_is_no_list_is_named(tmp_path):
    """What is no TOML is said to be none, with the place."""
    path = tmp_path / "expected.toml"
    path.write_text("[[known\n")

    with pytest.raises(ValueError, match=r"^list of known deviations is .*expected\.toml, which is no TOML .*line 1"):
        judge.listed(path)


def test_empty_list_is_fine(tmp_path):
    """A list without entries knows no deviation."""
    path = tmp_path / "expected.toml"
    path.write_text("# none\n")

    assert judge.listed(path) == ()


def test_own_list_is_added_to_the_one_that_ships(tmp_path):
    """A user's own deviations stand behind those that ship; a file that is not there is named."""
    path = tmp_path / "own.toml"
    path.write_text('[[known]]\ncase = "*"\ntarget = "mine@*"\nreason = "ours"\n')

    assert judge.known_deviations([path]) == (*judge.known_deviations(), Known("*", "mine@*", "ours"))
    with pytest.raises(ValueError, match=r"^list of known deviations is .*none\.toml \(No such file"):
        judge.known_deviations([tmp_path / "none.toml"])


def test_shipped_list_loads():
    """Our own list of known deviations is well formed, and each entry says why."""
    entries = judge.known_deviations()

    assert all(isinstance(entry, Known) and len(entry.reason) > 20 for entry in entries)
    assert len({(entry.reason, entry.at_most) for entry in entries}) == len(entries) > 0


def long_row(over, budget_class):
    """Return a score of a row of 32 768 classes, whose worst element lacks 3 % of its loss."""
    worst = Worst((0,), "", "0", "", "", expected=(2.0**-10).hex(), got=(0.96875 * 2.0**-10).hex(), ulp=5e5)
    return Score(2, 5e5, 1.0, 0.0, {"P": 1000 * over, "C": 60 * over, "S": over}, budget_class, worst=worst)


def test_a_long_row_that_meets_the_worst_case_alone_is_said_to():
    """It conforms, with the height of the sum that its error comes to, and what is lost of the answer."""
    case = Case(Op.of("softmax"), "value", "swamp", "float32", 2, 32_768)
    judgement, reason = judge.judge(case, target(), long_row(0.02, "S"), ())

    assert judgement == "conforms"
    assert "as 655 roundings" in reason
    assert "chance: 523, in pairs: 23" in reason
    assert reason.endswith("0.031 of the answer is lost")
    assert judge.judge(case, target(), long_row(0.01, "C"), ()) == ("conforms", "")
