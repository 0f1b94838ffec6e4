"""Who may import whom: the arrows of the house, read from the source; and that the reader sees what breaks them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "reference", "suites", "reports")

# package -> prefixes of our own modules that it may import
ARROWS = {
    "harness": ("harness",),
    "reference": ("reference", "harness.model", "harness.options", "harness.ulp"),
    "suites": ("suites", "reference", "harness"),
    "reports": (
        *("reports", "harness.model", "harness.store", "harness.compare", "harness.change", "harness.state"),
        *("harness.order", "harness.traffic", "harness.duel.ranking"),
        *("harness.history", "harness.series", "harness.change_points", "harness.ratio"),
    ),
}
# Each framework belongs to its adapter's files.
FRAMEWORKS = {
    "torch": ("harness/adapters/torch.py", "harness/adapters/_torch_catalogue.py"),
    "jax": ("harness/adapters/jax.py", "harness/adapters/_jax_catalogue.py"),
    "optax": ("harness/adapters/jax.py", "harness/adapters/_jax_catalogue.py"),
    "tensorflow": tuple(
        f"harness/adapters/{f}.py" for f in ("tensorflow", "_tensorflow_catalogue", "_tensorflow_losses")
    ),
    "keras": ("harness/adapters/tensorflow.py", "harness/adapters/_tensorflow_losses.py"),
}
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
        return file in FRAMEWORKS[top]
    if top in EXACT:
        return package == "reference"
    if top in (*PACKAGES, "xentbench", "tests", "noxfile"):
        if package == "xentbench.py":
            return top in PACKAGES
        return any(under(name, prefix) for name in names for prefix in ARROWS.get(package, ()))
    if package == "reports":
        return top in (*REPORT_LIBRARIES, *sys.stdlib_module_names)
    return True


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
        ("harness/store.py", "import reference.golden"),
        ("harness/store.py", "from reference import golden"),
        ("harness/store.py", "from suites import cases"),
        ("harness/clock.py", "import reports"),
        ("harness/ulp.py", "import mpmath"),
        ("harness/ulp.py", "from mpmath import libmp"),
        ("harness/clock.py", "import torch"),
        ("harness/adapters/numpy.py", "import jax.numpy as jnp"),
        ("harness/adapters/jax.py", "import tensorflow as tf"),
        ("harness/adapters/torch.py", "def f():\n    import keras"),
        ("harness/plugin.py", "import importlib\nimportlib.import_module('torch')"),
        ("harness/plugin.py", "import xentbench"),
        ("reference/exact.py", "from harness.store import Store"),
        ("reference/exact.py", "from harness import metrics"),
        ("reference/exact.py", "import suites"),
        ("reference/golden.py", "import torch"),
        ("suites/cases.py", "from reports import site"),
        ("suites/cases.py", "from mpmath import mp"),
        ("suites/cases.py", "import optax"),
        ("suites/cases.py", "from tests import textbook"),
        ("reports/table.py", "from harness import metrics"),
        ("reports/table.py", "from harness.adapters import load"),
        ("reports/table.py", "from reference.golden import digits"),
        ("reports/table.py", "if True:\n    import suites.cases"),
        ("reports/table.py", "import numpy as np"),
        ("reports/table.py", "from . import site"),
        ("xentbench.py", "import torch"),
        ("xentbench.py", "import mpmath"),
        ("noxfile.py", "from harness import model"),
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
        ("harness/metrics.py", "from harness import ulp\nimport numpy as np"),
        ("harness/adapters/torch.py", "import torch.nn.functional as F"),
        ("harness/adapters/_tensorflow_losses.py", "import keras\nimport tensorflow as tf"),
        (
            "reference/rounding.py",
            "from harness import ulp\nfrom harness.model import Golden\nfrom mpmath import libmp",
        ),
        ("suites/ask.py", "from harness import metrics\nfrom reference import bounds\nfrom suites import cases"),
        ("reports/site.py", "import json\nfrom jinja2 import Environment\nfrom harness.store import Store"),
        ("xentbench.py", "import reports\nfrom suites import cases\nfrom reference.cache import Cache\nimport typer"),
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
        pytest.param("import suites.cases, suites.plan, suites.judge", id="suites"),
        pytest.param("import reports", id="reports"),
        pytest.param("import xentbench", id="xentbench"),
    ],
)
def test_no_framework_is_imported_before_it_is_asked(statement):
    """Listing adapters, planning, reporting and starting the front door import no framework."""
    assert modules_after(statement) & set(FRAMEWORKS) == set()
