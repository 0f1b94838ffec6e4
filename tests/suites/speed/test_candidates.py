"""Targets and cases as written, and the op that two targets have in common."""

import pytest

from harness.model import Implementation, Target
from suites.questions import cases
from suites.speed import candidates
from suites.speed.candidates import WantedCase, Written
from xentbench import duel


def target(name, op):
    """Return a target."""
    return Target(Implementation("torch", op, name, "fused"), "eager")


@pytest.mark.parametrize(
    ("text", "device", "expected"),
    [
        ("tf.nn.softmax@xla", "", ("tf.nn.softmax", "xla", "cpu")),
        ("tf.nn.softmax@xla", "cuda:0", ("tf.nn.softmax", "xla", "cuda:0")),
        ("torch.softmax@eager:cuda:1", "cpu", ("torch.softmax", "eager", "cuda:1")),
        ("torch.softmax", "", ("torch.softmax", "", "cpu")),
        (
            "-torch.log(torch.softmax(logits))[labels]@eager",
            "",
            ("-torch.log(torch.softmax(logits))[labels]", "eager", "cpu"),
        ),
    ],
)
def test_written(text, device, expected):
    """A target is a name, a mode and a device; its own device goes before the command's."""
    found = Written.read(text, device)

    assert (found.name, found.mode, found.device, found.file) == (*expected, "")


def test_function_of_a_file(tmp_path):
    """A function of a file is named behind two colons; the path becomes absolute, for workers elsewhere."""
    path = tmp_path / "kernel.py"
    path.touch()
    found = Written.read(f"{path}::mine@jit", "")

    assert (found.name, found.mode, found.file) == ("mine", "jit", str(path))
    with pytest.raises(ValueError, match="expected a Python file"):
        Written.read("nowhere.py::mine@jit", "")


@pytest.mark.parametrize(
    ("name", "first"),
    [("tf.nn.softmax", "tensorflow"), ("optax.x", "jax"), ("-sum(labels * jnp.log(p))", "jax"), ("torch.x", "torch")],
)
def test_framework_that_a_name_speaks_of_is_looked_in_first(name, first):
    """No framework is imported for a name that speaks of another."""
    found = Written(name, "", "cpu", "").frameworks

    assert found[0] == first
    assert len(set(found)) == len(found) > 3


def test_case_in_any_order():
    """A case is said in any order; what is not said is the default."""
    found = WantedCase.read("bfloat16, 8x10, grad_logits, softmax")

    assert found == WantedCase("softmax", (8, 10), "bfloat16", ("grad_logits",))
    assert WantedCase.read("") == WantedCase("", (64, 1000), "float32", ("value", "grad_logits"))
    assert WantedCase.read("value,grad_labels").quantities == ("value", "grad_labels")
    assert str(WantedCase.read("7x9,value").cases("softmax")[0]) == "softmax-value-speed-float32-7x9"


@pytest.mark.parametrize("text", ["softmaxx", "64*1000", "float8"])
def test_case_that_is_none(text):
    """A word that is nothing is refused with what is expected."""
    with pytest.raises(ValueError, match=r"expected an op .*ROWSxCLASSES"):
        WantedCase.read(text)


def test_features_of_a_linear_op():
    """A shape of three says how many features the hidden states have; of two, they are the usual ones."""
    sources = [WantedCase.read(text).cases("linear_xent")[0].family for text in ("4x16x10,float32", "4x10")]

    assert sources == ["speed/16", cases.speed_source("linear_xent")]
    assert WantedCase.read("4x16x10").shape == (4, 10)
    assert [one.family for one in WantedCase.read("4x10").cases("softmax")] == [cases.SPEED] * 2


def test_empty_shape():
    """Nothing is not timed."""
    with pytest.raises(ValueError, match="expected at least 1x1"):
        WantedCase.read("0x5")


def test_same_op():
    """The first op that both answer is taken, or the one wanted."""
    both = [target("cross_entropy", "dense_xent"), target("cross_entropy", "sparse_xent")]
    other = [target("nll", "sparse_xent"), target("nll", "dense_xent")]

    assert candidates.same_op(both, other, "")[0].implementation.op == "sparse_xent"
    assert candidates.same_op(both, other, "dense_xent")[1].implementation.op == "dense_xent"
    with pytest.raises(ValueError, match="ops are dense_xent, sparse_xent and softmax, expected one of both"):
        candidates.same_op(both, [target("softmax", "softmax")], "")


@pytest.mark.parametrize(("text", "expected"), [("3%", 0.03), ("0.02", 0.02), ("0.5%", 0.005)])
def test_share(text, expected):
    """A share is a percentage or a fraction."""
    assert duel.share("--min-effect", text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["3", "0", "-1%", "much"])
def test_share_that_is_none(text):
    """What is no share is refused with examples."""
    with pytest.raises(ValueError, match="expected a share such as 3% or"):
        duel.share("--min-effect", text)


@pytest.mark.parametrize(("token", "likely"), [("fp32", "float32"), ("sofmax", "softmax"), ("grad", "grad_logits")])
def test_token_of_a_case_that_was_meant(token, likely):
    """What a case holds and nothing is called is an error that offers what was meant."""
    with pytest.raises(ValueError, match=rf"^--case holds '{token}', expected an op .*; did you mean {likely}\?$"):
        WantedCase.read(f"4x5,{token}")
