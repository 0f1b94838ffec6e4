"""Names that are off are told with the choices, and with the name that was probably meant."""

import pytest

from harness import adapters
from harness.model import DTYPES, QUANTITIES
from harness.ops import OPS
from harness.spelling import ALIASES, choice, choices, meant, printable
from suites.questions import presets


def test_choices():
    """A list is read in the order given, nothing as nothing."""
    assert choices("--op", "b, a,", ("a", "b", "c")) == ("b", "a")
    assert choices("--op", "", ("a",)) == choices("--op", "all", ("a",)) == ()


def test_unknown_choice_lists_the_choices():
    """A name that is not known is an error that lists those that are."""
    with pytest.raises(ValueError, match=r"^--op is 'd', expected one of a, b$"):
        choices("--op", "a,d", ("a", "b"))


@pytest.mark.parametrize("text", ["", "a,b", "d"])
def test_one_choice_is_one(text):
    """Where one name is wanted, none and two are errors as well."""
    with pytest.raises(ValueError, match=rf"^--preset is '{text}', expected one of a, b$"):
        choice("--preset", text, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "known", "likely"),
    [
        ("sofmax", tuple(OPS), "softmax"),
        ("LogSumExp", tuple(OPS), "logsumexp"),
        ("log-softmax", tuple(OPS), "log_softmax"),
        ("cross_entropy", tuple(OPS), "sparse_xent"),
        ("fp32", DTYPES, "float32"),
        ("bf16", DTYPES, "bfloat16"),
        ("half", DTYPES, "float16"),
        ("double", DTYPES, "float64"),
        ("pytorch", adapters.names(), "torch"),
        ("tf", adapters.names(), "tensorflow"),
        ("compiled", ("eager", "compile"), "compile"),
        ("compiled", ("eager", "jit"), "jit"),
        ("grad", QUANTITIES, "grad_logits"),
        ("standart", presets.PRESETS, "standard"),
        ("nothing like it", tuple(OPS), ""),
    ],
)
def test_what_was_meant(name, known, likely):
    """A slip, another case, and what others call it lead to the name; what is like no name leads to none."""
    assert meant(name, known) == likely


def test_error_offers_what_was_meant():
    """The offer stands at the end of the error."""
    with pytest.raises(
        ValueError, match=r"^--op is 'sofmax', expected one of softmax, sigmoid; did you mean softmax\?$"
    ):
        choice("--op", "sofmax", ("softmax", "sigmoid"))


def test_every_alias_leads_to_a_name_that_there_is():
    """No alias offers a name that no option takes, and none hides a name that one does."""
    words = ("cpu", "cuda", "eager", "compile", "jit", "xla", "function", "session")
    names = {*OPS, *DTYPES, *QUANTITIES, *adapters.names(), *presets.PRESETS, *words}

    assert {name for likely in ALIASES.values() for name in likely} <= names


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("softmax(axis=-1) ≤ 3 µs", "softmax(axis=-1) ≤ 3 µs"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m\u202e\u2028\ud800", r"\x1b[31m\u202e\u2028\ud800"),
    ],
)
def test_every_sign_is_to_be_seen(text, printed):
    """Signs that break lines, turn a text around or are none are escaped; all others stand as they are."""
    assert printable(text) == printed
