"""What is run on a GPU, tried without one: every step by itself, one run file of all, and an account."""

import importlib.util
import os
import subprocess
import sys

import pytest

from harness.files import merge, runfile
from harness.store import Store
from tests.conftest import ROOT
from tests.made.records import recorded, result, run
from tools import gpu

SEEN = {"torch": ("", ["cuda:0"]), "jax": ("", ["cuda:0"]), "tensorflow": ("NotInstalled: no tensorflow", [])}
NONE = {name: (f"sees no cuda{'' if name == 'jax' else ' at all'}", []) for name in SEEN}
KERNELS = ROOT / "tests" / "kernels" / "gpu"


def made_up(_device, _seen, out):
    """Return steps of every kind: two that store, one that fails, one that hangs, one that cannot run."""
    ask = ("xentbench", "run", "--on", "numpy", "--preset", "smoke", "--dtype", "float32", "--device", "cpu")
    stored = ("--store", str(out / "steps.sqlite"), "--report", str(out / "report"))
    return [
        gpu.Step("first", "stores", 300, (*ask, "--op", "sigmoid", *stored), (3,)),
        gpu.Step("hangs", "hangs", 1, ("timeit", "-n1", "-r1", "import time; time.sleep(600)")),
        gpu.Step("fails", "fails", 60, ("xentbench", "status", "--store", "none.sqlite")),
        gpu.Step("skipped", "cannot", 60, ("xentbench",), skip="nobody is here"),
        gpu.Step("last", "stores", 300, (*ask, "--op", "logsumexp", *stored), (3,)),
    ]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return where made-up steps were run, and the exit code."""
    out = tmp_path_factory.mktemp("gpu")
    return out, gpu.main(["--device", "cpu", "--out", str(out)], made_up)


def test_one_step_loses_no_other(ran):
    """Steps around one that fails and one that hangs are done, and the script says that not all was."""
    out, code = ran

    account = (out / "gpu.md").read_text("utf-8")
    states = {line.split(" | ")[0].strip("| "): line.split(" | ")[2] for line in account.splitlines() if " | " in line}
    assert {name: states[name] for name in ("first", "hangs", "fails", "skipped", "last")} == {
        "first": "done",
        "hangs": "out of time",
        "fails": "failed",
        "skipped": "skipped",
        "last": "done",
    }
    assert code == 1
    assert "tried on a CPU, where nothing is said of a GPU" in account
    assert "Smaller shapes, fewer families and modes than on a GPU" in account
    assert "stopped after 1 s" in account
    assert "nobody is here" in account
    assert "expected the results of a run" in account
    assert str(out) not in account
    assert str(ROOT) not in account


def test_run_file_is_merged_beside_others(ran, tmp_path):
    """All that the steps stored is one run of one file, which a store takes beside its own runs."""
    whole = runfile.read(ran[0] / "gpu.run.jsonl.gz")
    assert {one.case.op.name for one in whole.results} == {"sigmoid", "logsumexp"}
    with Store(tmp_path / "here.sqlite") as store:
        store.join(run())
        store.append(run().uid, recorded(result()).results)

        [merged] = merge.merge(store, ran[0] / "gpu.run.jsonl.gz")

        assert (merged.added, merged.present, merged.differing) == (len(whole.results), 0, 0)
        assert [one.preset for one in store.runs()] == ["quick", "gpu"]
        assert {one.environment for one in whole.results} == set(whole.environments)


def test_steps_of_a_gpu(tmp_path):
    """On a GPU every step is asked on it, by the frameworks that see it; files that they name are there."""
    steps = gpu.steps("cuda", SEEN, tmp_path)

    asked = [step for step in steps if not step.skip]
    assert {"quick", "float16", "fault", "duel", "tournament"} <= {step.name for step in asked}
    for step in asked:
        assert step.words[step.words.index("--device") + 1] == "cuda"
        assert "tensorflow" not in step.words
        assert all(os.path.exists(word) for word in step.words if word.endswith(".py"))  # noqa: PTH110 - words
    assert sum(step.seconds for step in steps) <= 600
    assert "--graph" in next(step for step in steps if step.name == "duel").words


def test_steps_tried_on_a_cpu_fit_into_ten_minutes(tmp_path):
    """The same steps, small: their times add up to no more than a GPU has."""
    seen = {name: ("", ["cpu"]) for name in SEEN}
    small, whole = (gpu.steps(device, seen, tmp_path) for device in ("cpu", "cuda"))

    assert [step.name for step in small] == [step.name for step in whole]
    assert sum(step.seconds for step in small) <= 600
    assert all("4096x32768" not in word for step in small for word in step.words)


def test_without_a_gpu_all_is_skipped(tmp_path):
    """Where no framework sees the device, each step says so, and nothing is asked."""
    steps = gpu.steps("cuda", NONE, tmp_path)

    assert all(step.skip for step in steps)
    assert gpu.run(steps[0], tmp_path / "log", 100).state == "skipped"
    assert gpu.run(gpu.steps("cuda", SEEN, tmp_path)[0], tmp_path / "log", 0).said == "no time was left"


def test_what_is_seen():
    """Each framework says which devices it sees, or why none."""
    seen = gpu.found("cpu")

    assert set(seen) == {"torch", "jax", "tensorflow"}
    assert all(bool(why) != bool(devices) for why, devices in seen.values())


def test_planted_fault_is_one():
    """The planted kernel is right where the label lies in the first chunk, and wrong in the second."""
    torch = pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("second_chunk", KERNELS / "second_chunk.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    logits = torch.randn(4, 700, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 511, 512, 699])

    off = (module.loss(logits, labels) - torch.nn.functional.cross_entropy(logits, labels, reduction="none")).abs()

    assert off[:2].max() < 1e-5
    assert off[2:].min() > 0.1


INTERPRETED = """
import sys, torch
sys.path.insert(0, sys.argv[1])
import triton_loss
for dtype, near in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 2e-2)):
    logits = (3 * torch.randn(3, 1500, dtype=torch.float64)).to(dtype).requires_grad_()
    labels = torch.tensor([0, 1023, 1499])
    wide = logits.detach().double().requires_grad_()
    exact = torch.nn.functional.cross_entropy(wide, labels, reduction="none")
    loss = triton_loss.loss(logits, labels)
    upstream = torch.tensor([1.0, -2.0, 0.5])
    loss.backward(upstream.to(dtype))
    exact.backward(upstream.double())
    assert loss.dtype == dtype
    assert torch.allclose(loss.double(), exact, rtol=near, atol=near)
    assert torch.allclose(logits.grad.double(), wide.grad, rtol=near, atol=near)
"""


def test_triton_kernel_is_right():
    """In Triton's interpreter the kernel gives torch's loss and gradient, over blocks that no row fills."""
    pytest.importorskip("triton", reason="try: pip install triton")
    pytest.importorskip("torch")

    ended = subprocess.run(
        [sys.executable, "-c", INTERPRETED, str(KERNELS)],
        env=os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
