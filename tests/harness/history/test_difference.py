"""What differs in the environments: versions first, one machine under one name, and no card where nothing was timed."""

import pytest

from harness.history import difference
from harness.history.difference import Difference
from harness.running import host
from tests.made.records import recorded, result, run, timing

HOST = {"processor": "Xeon", "cores": "2", "memory": "15 GiB"}
CARD = {"torch": "2.13.0", "card: buffers": "2"}


def differing(before, after):
    """Return the facts that differ of two runs of one environment each, both with an answer and maybe a time."""
    runs = [
        recorded(
            result(environment="plain"),
            *([result(timing(1e-5), "speed", environment="timed")] if "card: buffers" in facts else []),
            run=run(host=HOST),
            environments={"plain": {"torch": "2.13.0"}, "timed": facts},
        )
        for facts in (before, after)
    ]
    return [str(one) for one in difference.between(*runs)]


def test_weight():
    """The framework's version comes first, then what decides about answers, then other versions, then the rest."""
    older = {"note": "a", "numpy": "2.3.5", "xla_flags": "", "threads": "1", "torch": "2.11.0"}
    newer = {"note": "b", "numpy": "2.4.0", "xla_flags": "--fast", "threads": "8", "torch": "2.13.0"}
    runs = [recorded(result(environment="a"), environments={"a": facts}) for facts in (older, newer)]

    assert [one.fact for one in difference.between(*runs)] == ["torch", "xla_flags", "threads", "numpy", "note"]


def test_card_counts_between_two_timed_runs():
    """What a time holds differs between two runs that were timed, and not where one was not."""
    assert differing(CARD, CARD | {"card: buffers": "8"}) == ["card: buffers 2 -> 8"]
    assert differing(CARD, {"torch": "2.13.0"}) == []
    assert differing({"torch": "2.13.0"}, CARD) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("15 GiB", "16 GiB", True),  # 15.4999 and 15.5001
        ("1 GiB", "2 GiB", True),
        ("124 GiB", "125 GiB", True),
        ("16 GiB", "32 GiB", False),
        ("8 GiB", "unknown", False),
        ("unknown", "unknown", True),
    ],
)
def test_memory_is_a_reading(one, other, same):
    """Two readings of one memory are one machine; twice the memory is another."""
    hosts = [HOST | {"memory": one}, HOST | {"memory": other}]

    assert (len(set(difference.machines(hosts))) == 1) is same
    assert (list(difference.of_hosts(*hosts)) == []) is same


def test_machine_is_what_makes_it_another():
    """Another processor or number of cores is another machine; another Python is not."""
    names = difference.machines([HOST, HOST | {"python": "3.12"}, HOST | {"cores": "4"}, HOST | {"processor": "Epyc"}])

    assert names == ["Xeon, cores 2, 15 GiB"] * 2 + ["Xeon, cores 4, 15 GiB", "Epyc, cores 2, 15 GiB"]


def test_no_value_is_said():
    """A flag that was set and is not any more is said to be none."""
    assert str(Difference("jax", "xla_flags", "--fast", "")) == "xla_flags --fast -> none"


def test_facts_of_a_machine_that_decide():
    """The kind of a processor decides about answers, by name and by its widest instructions; its memory does not."""
    deciding = {fact for fact in host.facts() if Difference("machine", fact, "a", "b").decides}

    assert deciding == {"processor", "isa"}


def test_kinds_of_facts():
    """A fact is a release of the framework, another version, or what decides about answers."""
    release, threads, flag = (
        Difference("torch on cpu", "torch", "2.11.0", "2.13.0"),
        Difference("tensorflow on cpu", "intra_op_threads", "1", "8"),
        Difference("torch on cpu", "TORCHINDUCTOR_USE_FAST_MATH", "-", "1"),
    )

    assert (release.release, release.version, release.decides) == (True, True, False)
    assert (threads.release, threads.version, threads.decides) == (False, False, True)
    assert flag.decides
