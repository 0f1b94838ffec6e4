"""Names of one function are found by their bits, and by nothing else."""

from harness.model import Failed, Implementation, Target
from reports import lines
from tests.made.records import result, score


def asked(name, *bits, framework="torch", kind="fused", mode="eager", op="softmax"):
    """Return a function's answers, one a family, with these bits; of None the call failed."""
    target = Target(Implementation(framework, op, name, kind), mode)
    return [
        result(Failed("raised", "no") if each is None else score(bits=each), f"f{k}", target)
        for k, each in enumerate(bits)
    ]


def names(*groups):
    """Return of each name the one that stands for it."""
    found = lines.functions([one for group in groups for one in group])
    return {one.name: stands.name for one, stands in found.items()}


def test_the_same_bits_are_one_function():
    """Names that answered all the same are one, under the plainest of them, of the package that most are of."""
    every = ("tf.compat.v1.nn.softmax", "tf.nn.softmax", "tf.nn.softmax(axis=-1)", "k.softmax")

    found = names(*(asked(name, "a1", "b2", framework="tensorflow") for name in every))

    assert found == dict.fromkeys(every, "tf.nn.softmax")


def test_what_differs_is_another_function():
    """Other bits, other questions, another mode, a failure or another framework keep names apart."""
    plain = asked("softmax", "a1", "b2")
    for other in (
        asked("other", "a1", "b3"),
        asked("other", "a1"),
        asked("other", "a1", None),
        asked("other", "a1", "b2", mode="jit"),
        asked("other", "a1", "b2", framework="jax"),
        asked("other", "a1", "b2", op="log_softmax"),
    ):
        assert names(plain, other) == {"softmax": "softmax", "other": "other"}


def test_nothing_is_told_without_bits():
    """Runs that kept no bits, and functions that answered nothing, are never one function; nor is what is not fused."""
    assert names(asked("one", "", ""), asked("two", "", "")) == {"one": "one", "two": "two"}
    assert names(asked("one", None), asked("two", None)) == {"one": "one", "two": "two"}
    assert names(asked("one", "a1", kind="naive"), asked("two", "a1", kind="naive")) == {}
