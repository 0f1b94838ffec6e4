"""What one touches to add something: CONTRIBUTING's table, walked with toys in a copy of the house.

A toy is added by writing to the files that its row of the table names, and to no other; then the house is asked for it.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from reports import export
from tests.conftest import ROOT

PACKAGES = ("harness", "reference", "suites", "reports", "xentbench")
PATH = re.compile(r"`([\w./-]+/[\w.-]*)`")

ROW_FORMULAS = (
    *("reference/arbiter/rows.py", "reference/arbiter/integers.py", "reference/fast/rows.py"),
    *("reference/bounds/rows.py", "reference/witness.py"),
)
POINT_FORMULAS = (
    *("reference/arbiter/points.py", "reference/fast/points.py"),
    *("reference/bounds/points.py", "reference/witness.py"),
)
RECORDS = "harness/ops.py"
FIRST = '        Record("softmax", '
CONTROLS = "harness/forms/numpy.py"


def table():
    """Return what CONTRIBUTING says to touch: the paths of each row, by what is added."""
    lines = (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
    rows = [
        line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and not line.startswith("| to add")
    ]
    return {what: set(PATH.findall(where)) for what, where in rows}


class House:
    """A copy of the packages, to be added to."""

    def __init__(self, folder):
        """Copy the packages; the libraries of others are only looked at."""
        self.folder = folder
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, what, additions):
        """Write to each file of a row: text at its end, or (old, new) in its place. No file of another row is taken."""
        touched = set()
        for name, addition in additions.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text("utf-8") if path.exists() else ""
            if isinstance(addition, str):
                text += addition
            else:
                old, new = addition
                assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
                text = text.replace(old, new)
            path.write_text(text, "utf-8")
            touched.add(name)
        assert all(any(path.startswith(row) for row in table()[what]) for path in touched)

    def __call__(self, *arguments, code=0):
        """Run a command of this house in it; return what it said."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "xentbench", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def answers(self, *arguments):
        """Run, and return the answers that were stored, as `export` writes them."""
        self("run", "--on", "numpy", "--jobs", "1", *arguments, code=3)  # a control is asked, and judged by nothing
        return list(export.read(self("export").splitlines()))


@pytest.fixture
def house(tmp_path):
    """Return a copy of the house."""
    return House(tmp_path)


def formulas(toy, like, tables):
    """Return a toy op's formulas: those of another op, once more, in the table of each file."""
    every = {
        "BY_ROW": [name for name in tables if "points" not in name],
        "BY_POINT": [name for name in tables if "points" in name or "witness" in name],
    }
    lines = dict.fromkeys(tables, "")
    for constant, names in every.items():
        for name in names:
            lines[name] += (
                f'\n{constant} |= {{("{toy}", q): f for (op, q), f in {constant}.items() if op == "{like}"}}\n'
            )
    lines["reference/limits.py"] = (
        f'\nfor _table in (AT_TOP, AT_MASK, AT_POINT):\n    _table |= {{("{toy}", q): f for (op, q), f in '
        f'_table.items() if op == "{like}"}}\n'
    )
    return lines


def control(toy, like):
    """Return a toy op's implementation in numpy: another op's, once more."""
    return (
        "\nfrom dataclasses import replace\n\n"
        f'FORMS += tuple(replace(form, op="{toy}", name="a toy") for form in FORMS if form.op == "{like}")\n'
    )


JUDGED = """
import torch
from harness.adapters import implements


@implements("{toy}", framework="torch")
def mine({arguments}):
    return {function}
"""
TOYS = {
    "toy_class": ("an op of whole rows", "softmax", '"none", "class"', ROW_FORMULAS),
    "toy_loss": ("an op of whole rows", "sparse_xent", '"index", "row"', ROW_FORMULAS),
    "toy_point": ("an elementwise op", "log_sigmoid", '"none", "point"', POINT_FORMULAS),
}
MINE = {
    "toy_class": ("logits, axis", "torch.softmax(logits, axis)"),
    "toy_loss": ("logits, labels", 'torch.nn.functional.cross_entropy(logits, labels, reduction="none")'),
    "toy_point": ("logits", "torch.nn.functional.logsigmoid(logits)"),
}


@pytest.mark.parametrize("toy", TOYS)
def test_op_is_one_record_beside_its_formulas_bound_and_adapters(house, toy):
    """A toy op is listed, answered by every tier, bounded, asked and reported as the op whose formulas it has."""
    what, like, record, tables = TOYS[toy]
    added = {RECORDS: (FIRST, f'        Record("{toy}", {record}, "a toy"),\n{FIRST}')}
    house.add(what, added | formulas(toy, like, tables) | {CONTROLS: control(toy, like)})

    assert f"{toy} " in house("list", "ops")
    answers = house.answers("--op", f"{toy},{like}", "--dtype", "float32")
    figures = {op: {} for op in (toy, like)}
    for one in answers:
        figures[one["op"]][one["case"].replace(one["op"], "an op")] = (one["outcome"], one["max_ulp"])
    assert len(figures[toy]) > 30
    assert figures[toy] == {case: figures[like][case] for case in figures[toy]}
    assert toy in (house.folder / "build/report/index.html").read_text("utf-8")
    worst = next(one for one in answers if one["op"] == toy and one["max_ulp"])
    assert toy in house("explain", f"{worst['case']}@{worst['implementation']}@{worst['mode']}")


@pytest.mark.parametrize("toy", TOYS)
def test_toy_op_is_judged(house, toy):
    """Somebody's function of a toy op is asked all that holds for every op, gradients and checks included."""
    pytest.importorskip("torch")
    what, like, record, tables = TOYS[toy]
    added = {RECORDS: (FIRST, f'        Record("{toy}", {record}, "a toy"),\n{FIRST}')}
    house.add(what, added | formulas(toy, like, tables))
    arguments, function = MINE[toy]
    (house.folder / "mine.py").write_text(JUDGED.format(toy=toy, arguments=arguments, function=function), "utf-8")

    assert "conforms" in house("judge", "mine.py", "--dtype", "float32")


ENGINE = """
from harness.adapters import Catalogue
from harness.adapters.numpy import Adapter as Numpy, np


def add_up(*, axis=-1):
    return lambda logits: np.exp(logits) / np.exp(logits).sum(axis=axis, keepdims=True)


class Adapter(Numpy):
    catalogue = Catalogue("toy", {"np": np}, np.sum, np.mean)
    modes = ("plain", "other")
    dtypes = ("float32",)
    engine, differentiates = True, False


Adapter.catalogue.form("softmax", "toy.softmax", "fused")(add_up)
"""
KNOWN = """
[[known]]
case = ["softmax-*", "softmax(*", "*:softmax*"]
target = "toy.softmax@*"
reason = "a toy overflows"
"""


def test_engine_is_a_folder(house):
    """A toy engine is listed, asked where it is named, of what it has; its list says what is known."""
    house.add("an engine", {"harness/engines/exported/toy/__init__.py": ENGINE, "suites/expected/toy.toml": KNOWN})

    assert "toy.softmax" in house("list", "targets", "--on", "toy:other")
    house("run", "--on", "toy", "--preset", "smoke", "--family", "offset", "--jobs", "1")
    answers = list(export.read(house("export").splitlines()))
    assert {(one["framework"], one["dtype"], one["quantity"]) for one in answers} == {("toy", "float32", "value")}
    assert {one["mode"] for one in answers} == {"plain", "other"}
    assert {one["judgement"] for one in answers if one["family"] == "offset"} == {"known"}
    assert "toy" not in {one["framework"] for one in house.answers("--op", "softmax", "--dtype", "float32")}


PAGE = {
    "__init__.py": """
from reports import layout

TITLE, NAV, PLACE = "A toy page", "Toy", 99


def render(material):
    return layout.fill("pages/toy/page.html.j2", count=len(material.results))
""",
    "page.html.j2": "<p>{{ count|plural('result') }} to play with</p>",
    "page.js": "pages.toy = { show() {} };",
    "page.css": ".toy { color: red }",
}


def test_page_is_a_folder(house):
    """A toy page stands last in the menu of the next report, with its HTML, its script and its style."""
    house.add("a page of the report", {f"reports/pages/toy/{name}": text for name, text in PAGE.items()})
    count = len(house.answers("--op", "softmax", "--dtype", "float32"))
    html = (house.folder / "build/report/index.html").read_text("utf-8")

    assert re.findall(r'<a href="#(\w+)" title="[^"]*">', html)[-1] == "toy"
    assert f"<p>{count} results to play with</p>" in html
    assert PAGE["page.js"] in html
    assert PAGE["page.css"] in html


def test_family_is_a_function_and_a_shape(house):
    """A toy family is listed with its docstring, and asked."""
    function = (
        "\n\n@family\ndef toy(rng: np.random.Generator, rows: int, classes: int, form: Format) -> Array:\n"
        '    """Small whole numbers: a toy."""\n    return rng.integers(0, 3, (rows, classes)).astype(float)\n'
    )
    shape = (
        '    "two_class_gap": (256, 2),\n    "swamp"',
        '    "toy": (4, 5),\n    "two_class_gap": (256, 2),\n    "swamp"',
    )
    house.add("an input family", {"suites/questions/families.py": function, "suites/questions/cases.py": shape})

    assert "Small whole numbers: a toy." in " ".join(house("list", "families").split())
    answers = house.answers("--op", "softmax", "--dtype", "float32")
    assert {one["family"] for one in answers} >= {"toy", "normal"}
