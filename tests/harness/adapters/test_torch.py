"""torch's threads, devices and compiler, as its adapter uses them."""

import contextlib
from types import SimpleNamespace

import pytest

from harness import adapters
from harness.adapters import NotSupported, fenced, state

torch = pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def adapter():
    """Return one adapter for the file."""
    return adapters.load("torch")


@pytest.mark.parametrize(
    ("change", "what", "read"),
    [
        (lambda: torch.set_grad_enabled(False), "torch's gradient mode", torch.is_grad_enabled),
        (lambda: torch.set_default_dtype(torch.float64), "torch's default dtype", torch.get_default_dtype),
        (lambda: torch.set_flush_denormal(True), "the floating-point mode (subnormals are zero)", state.MODE),
    ],
    ids=["gradients", "dtype", "subnormals"],
)
def test_switch_that_a_call_leaves_is_turned_back(adapter, change, what, read):  # noqa: ARG001 - which watches it
    """A call that changes what torch computes after it is told of, and the change is undone."""
    before = read()
    state.changed()

    fenced(lambda: change() and None)

    assert state.changed() == (what,)
    assert read() == before


def test_torch_computes_with_the_threads_that_are_asked(adapter):
    """The number of threads holds inside the block, and ends with it, however it ends."""
    before = torch.get_num_threads()

    with adapter.threads(2):
        assert torch.get_num_threads() == 2
        with contextlib.suppress(ZeroDivisionError), adapter.threads(1):
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before


def test_torch_waits_for_each_cuda_device(adapter, monkeypatch):
    """Work queued on a cuda device is waited for, once a device; the cpu's is done when a call returns."""
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(adapter, "_cuda", True)
    names = ("cpu", "cuda:0", "cuda:1")
    on = {name: SimpleNamespace(device=torch.device(name), is_cuda=name != "cpu") for name in names}

    adapter.wait(on["cpu"])
    assert waited == []
    adapter.wait(on["cuda:1"])
    assert waited == [torch.device("cuda:1")]
    adapter.wait((on["cuda:0"], on["cuda:0"]))
    assert waited == [torch.device("cuda:1"), torch.device("cuda:0")]


def test_torch_never_falls_back_to_eager(adapter, monkeypatch):
    """A graph break, a full cache and a compiler switched off are errors in mode compile, never eager answers."""
    dynamo = torch._dynamo
    function = adapter.forward(torch.nn.functional.relu, "compile")

    with pytest.raises(dynamo.exc.Unsupported):
        adapter.forward(lambda logits: torch.nonzero(logits) if logits.sum() > 0 else logits, "compile")(torch.ones(2))

    graphs = dynamo.utils.counters["stats"]["unique_graphs"]
    function(torch.ones(2))
    assert dynamo.utils.counters["stats"]["unique_graphs"] == graphs + 1
    assert min(dynamo.config.recompile_limit, dynamo.config.accumulated_recompile_limit) > 1000
    monkeypatch.setattr(dynamo.config, "recompile_limit", 1)
    with pytest.raises(dynamo.exc.FailOnRecompileLimitHit):
        function(torch.ones(3))

    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    with pytest.raises(NotSupported, match="switched off"):
        adapter.forward(torch.nn.functional.relu, "compile")
    monkeypatch.delenv("TORCHDYNAMO_DISABLE")
    monkeypatch.setattr(dynamo.config, "disable", True)
    with pytest.raises(NotSupported, match="switched off"):
        adapter.forward(torch.nn.functional.relu, "compile")


def test_torch_tells_that_bad_labels_are_fatal_on_a_gpu(adapter):
    """A class index that is not there is a device-side assert, after which nothing runs: it is not to be asked."""
    assert adapter.fatal_labels
