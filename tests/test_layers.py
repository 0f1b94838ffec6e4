"""Who may import whom: the arrows of the house, read from the source; and that the reader sees what breaks them."""

import ast
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "reference", "suites", "reports", "xentbench")

# package -> prefixes of our own modules that it may import
ARROWS = {
    "harness": ("harness",),
    "reference": (
        *("reference", "harness.model", "harness.ops", "harness.options", "harness.jit", "harness.scoring.ulp"),
    ),
    "suites": ("suites", "reference", "harness"),
    "reports": (
        *("reports", "harness.model", "harness.ops", "harness.forms", "harness.statistics"),
        *(
            "harness.coverage.kept",
            "harness.store",
            "harness.history",
            "harness.timing",
            "harness.scoring.harm",
            "harness.scoring.line",
            "harness.scoring.swept",
            "harness.scoring.tolerances",
        ),
    ),
    "xentbench": ("xentbench", "harness", "reference", "suites", "reports"),
}
# package -> its rooms, which are the modules and folders in it, floor by floor: a room imports from lower floors alone.
FLOORS = {
    "harness": (
        ("model", "statistics", "spelling", "jit"),
        ("ops", "options"),
        ("forms",),
        ("scoring", "store", "adapters"),
        ("files", "history", "running", "coverage"),
        ("timing", "engines"),
    ),
    "reference": (
        ("golden", "question", "bounds", "rounding", "fast"),
        ("arbiter", "limits"),
        ("options",),
        ("tiers", "witness_apart", "witness_focal", "witness_linear"),
        ("witness",),
        ("cache", "vectors"),
    ),
    "suites": (
        *(("questions",), ("judging", "vectors"), ("checks", "speed")),
        *(("explain", "parts"), ("conftest",), ("test_*",)),
    ),
}
# Each framework belongs to its adapter's folder.
FRAMEWORKS = {"torch": "torch", "jax": "jax", "optax": "jax", "tensorflow": "tensorflow", "keras": "tensorflow"}
# Each engine's library belongs to its group; engines may use frameworks too, as what exports from one does.
ENGINES = {
    **dict.fromkeys(("onnx", "onnxruntime", "openvino"), "exported"),
    **dict.fromkeys(("MNN", "ai_edge_litert", "mlx", "ncnn", "paddle", "scipy", "sklearn"), "libraries"),
    **dict.fromkeys(("distrax", "numpyro", "tensorflow_probability"), "libraries"),
    **dict.fromkeys(("cut_cross_entropy", "liger_kernel", "tokamax", "triton"), "kernels"),
}
# Keras on another backend than TensorFlow.
ON_KERAS = ("harness/adapters/torch/on_keras.py", "harness/adapters/jax/on_keras.py")
TRITON_FIRST = "harness/adapters/frameworks.py"  # imports triton before TensorFlow can be
EXACT = ("mpmath", "gmpy2", "flint")
REPORT_LIBRARIES = ("jinja2",)  # and the standard library


def imported(path):
    """Return the dotted names that a file imports, at any depth; `from a import b` counts as both a and a.b."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                names += [[alias.name] for alias in aliases]
            case ast.ImportFrom(module=module, names=aliases, level=0):
                names += [[f"{module}.{alias.name}", module] for alias in aliases]
            case ast.ImportFrom():
                names.append(["."])  # relative: breaks no arrow, but hides it
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name("__import__"), args=[ast.Constant(name)]):
                names.append([name])
    return names


def under(name, prefix):
    """Tell whether a dotted name is a module or lies in it."""
    return name == prefix or name.startswith(f"{prefix}.")


def violations(root):
    """Return what breaks the arrows in a source tree, as `file imports name`."""
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    files += sorted(root.glob("*.py"))
    return [
        f"{path.relative_to(root).as_posix()} imports {names[0]}"
        for path in files
        for names in imported(path)
        if not allowed(path.relative_to(root).as_posix(), names)
    ]


def allowed(file, names):
    """Tell whether a file may import something, given under its full name and its module's."""
    package = file.split("/", maxsplit=1)[0]
    top = names[0].split(".", maxsplit=1)[0]
    if top == "":
        return False
    if top in FRAMEWORKS:
        own = (f"harness/adapters/{FRAMEWORKS[top]}/", "harness/engines/")
        return file.startswith(own) or (top == "keras" and file in ON_KERAS)
    if top in ENGINES:
        return file.startswith(f"harness/engines/{ENGINES[top]}/") or (top == "triton" and file == TRITON_FIRST)
    if top in EXACT:
        return package == "reference"
    if top == package in FLOORS:
        return below(package, *(path.split("/")[1].removesuffix(".py") for path in (names[0].replace(".", "/"), file)))
    if top in (*PACKAGES, "tests", "noxfile"):
        return any(under(name, prefix) for name in names for prefix in ARROWS.get(package, ()))
    if package == "reports":
        return top in (*REPORT_LIBRARIES, *sys.stdlib_module_names)
    return True


def below(package, imported, importing):
    """Tell whether a room may be imported by another one of its package: it lies on a lower floor, or is the same."""
    floors = [
        next((i for i, rooms in enumerate(FLOORS[package]) if any(fnmatchcase(room, name) for name in rooms)), None)
        for room in (imported, importing)
    ]
    return imported == importing or (None not in floors and floors[0] < floors[1])


def test_arrows_are_kept():
    """No module of ours imports what its place forbids."""
    assert violations(ROOT) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_seen(package):
    """Every package has modules that import something, so that the reader above does not read nothing."""
    assert any(imported(path) for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("harness/store/store.py", "import reference.golden"),
        ("harness/store/store.py", "from reference import golden"),
        ("harness/store/store.py", "from suites.questions import cases"),
        ("harness/timing/clock.py", "import reports"),
        ("harness/scoring/ulp.py", "import mpmath"),
        ("harness/scoring/ulp.py", "from mpmath import libmp"),
        ("harness/timing/clock.py", "import torch"),
        ("harness/adapters/numpy/__init__.py", "import jax.numpy as jnp"),
        ("harness/adapters/jax/__init__.py", "import tensorflow as tf"),
        ("harness/adapters/torch/__init__.py", "def f():\n    import keras"),
        ("harness/adapters/torch/__init__.py", "import onnxruntime"),
        ("harness/engines/libraries/mlx/__init__.py", "import onnx"),
        ("harness/adapters/frameworks.py", "from harness.engines import exported"),
        ("suites/questions/plan.py", "import scipy"),
        ("harness/running/plugin.py", "import importlib\nimportlib.import_module('torch')"),
        ("harness/running/plugin.py", "import xentbench"),
        ("reference/arbiter/rows.py", "from harness.store import Store"),
        ("reference/arbiter/rows.py", "from harness.scoring import metrics"),
        ("reference/arbiter/rows.py", "import suites"),
        ("reference/golden.py", "import torch"),
        ("suites/questions/cases.py", "from reports import site"),
        ("suites/questions/cases.py", "from mpmath import mp"),
        ("suites/questions/cases.py", "import optax"),
        ("suites/questions/cases.py", "from tests.made import textbook"),
        ("reports/table.py", "from harness.scoring import metrics"),
        ("reports/table.py", "from harness.adapters import load"),
        ("reports/table.py", "from reference.golden import digits"),
        ("reports/table.py", "if True:\n    import suites.questions.cases"),
        ("reports/table.py", "import numpy as np"),
        ("reports/table.py", "from . import site"),
        ("xentbench/run.py", "import torch"),
        ("xentbench/run.py", "import mpmath"),
        ("noxfile.py", "from harness import model"),
        ("harness/model.py", "from harness.store import Store"),
        ("harness/ops.py", "from harness import options"),
        ("harness/options.py", "from harness.scoring import ulp"),
        ("harness/scoring/ulp.py", "import harness.adapters.catalogue"),
        ("harness/store/store.py", "from harness.files import runfile"),
        ("harness/history/ratio.py", "from harness.timing.duel import decision"),
        ("harness/history/ratio.py", "if TYPE_CHECKING:\n    from harness.running import host"),
        ("harness/running/recorder.py", "def f():\n    from harness.timing import clock"),
        ("harness/attic.py", "from harness import model"),
        ("harness/timing/clock.py", "from harness import attic"),
        ("reference/golden.py", "from reference.arbiter import ball"),
        ("reference/fast/rows.py", "from reference import rounding"),
        ("reference/arbiter/rows.py", "from reference import witness"),
        ("reference/limits.py", "from reference.options import meaning"),
        ("reference/tiers.py", "from reference.cache import Cache"),
        ("suites/questions/cases.py", "from suites.judging import ask"),
        ("suites/judging/judge.py", "from suites.vectors import choice"),
        ("suites/checks/check.py", "from suites.speed import run"),
        ("suites/speed/run.py", "from suites import explain"),
        ("suites/explain.py", "from suites.conftest import Claim"),
        ("reports/table.py", "from harness.files import runfile"),
        ("reports/table.py", "from harness import running"),
    ],
    ids=lambda value: value.replace("\n", "; ") if isinstance(value, str) else None,
)
def test_planted_violation_is_seen(tmp_path, file, text):
    """A forbidden import is reported with its file, wherever in the file it stands."""
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""Planted."""\n\nimport math\n\n{text}\n')

    found = violations(tmp_path)

    assert len(found) == 1
    assert found[0].startswith(f"{file} imports ")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("harness/scoring/metrics.py", "from harness.scoring import ulp\nimport numpy as np"),
        ("harness/adapters/torch/__init__.py", "import torch.nn.functional as F"),
        ("harness/adapters/tensorflow/losses.py", "import keras\nimport tensorflow as tf"),
        ("harness/engines/exported/onnxruntime/__init__.py", "import onnx\nimport onnxruntime\nimport torch"),
        ("harness/engines/processes/tfjs/__init__.py", "from harness.adapters import Catalogue"),
        (
            "reference/rounding.py",
            "from harness.scoring import ulp\nfrom harness.model import Golden\nfrom mpmath import libmp",
        ),
        ("harness/model.py", "from harness.model import Golden"),
        ("harness/ops.py", "from harness import model"),
        ("harness/store/store.py", "from harness.store import schema\nfrom harness.store.database import Row"),
        (
            "harness/timing/duel/worker.py",
            "from harness.running import orphan\nfrom harness import adapters, statistics",
        ),
        ("reference/arbiter/settle.py", "from reference import rounding\nfrom reference.arbiter.ball import Ball"),
        ("reference/vectors/second.py", "from reference import witness\nfrom reference.vectors import truth"),
        ("suites/test_laws.py", "from suites.conftest import Claim\nfrom suites.checks.laws import LAWS"),
        ("suites/speed/run.py", "from suites.judging import ask\nfrom suites.questions.plan import Wanted"),
        ("reports/table.py", "from harness import ops, statistics\nfrom harness.timing.duel import ranking"),
        (
            "suites/judging/ask.py",
            "from harness import model\nfrom reference import bounds\nfrom suites.questions import cases",
        ),
        ("reports/pages/findings/__init__.py", "from harness.scoring import harm, tolerances"),
        ("suites/conftest.py", "from suites import parts"),
        ("reports/site.py", "import json\nfrom jinja2 import Environment\nfrom harness.store import Store"),
        (
            "xentbench/run.py",
            "import reports\nfrom suites.questions import cases\nfrom reference.cache import Cache\nimport typer",
        ),
    ],
    ids=lambda value: value.split("\n")[0] if isinstance(value, str) else None,
)
def test_what_is_allowed_is_not_reported(tmp_path, file, text):
    """The reader lets through what the arrows allow."""
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

    assert violations(tmp_path) == []


def modules_after(statement):
    """Return the top-level modules that are loaded once a fresh interpreter has run a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("from harness import adapters; assert len(adapters.names()) >= 4", id="adapters.names()"),
        pytest.param("import suites.questions.plan, suites.judging.judge", id="suites"),
        pytest.param("import reports", id="reports"),
        pytest.param("import xentbench", id="xentbench"),
    ],
)
def test_no_framework_is_imported_before_it_is_asked(statement):
    """Listing adapters, planning, reporting and starting the front door import no framework."""
    assert modules_after(statement) & {*FRAMEWORKS, *ENGINES} == set()
