"""The judge judged: planted faults and correct but unusual kernels, through `xentbench judge` as anybody would use it.

`python -m tests.selftest` prints which check caught which fault and which correct kernel was accused. It fails where a
fault is missed, a correct kernel is accused, or a check catches nothing. Options go to `xentbench judge`.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.engines.exported.paths import HELD
from suites import explain

KERNELS = Path(__file__).parent / "kernels"
PLAIN = ("accuracy", "gradient", "published", "options")  # what is no check of `explain.every_check`
SHARE = 12  # functions a process; small enough that no core is left alone at the end


def main() -> int:
    """Judge all files, print the tables, and return the exit code."""
    options = tuple(sys.argv[1:])
    faults, controls = marked_in("faults"), marked_in("controls")
    parts = [part for file, marks in (faults | controls).items() for part in shares(file, list(marks))]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = list(pool.map(lambda part: judge(*part, Path(folder), options), parts))
    wrong, right = (
        [answer for (file, _), answers in zip(parts, judged, strict=True) if file in files for answer in answers]
        for files in (faults, controls)
    )
    kinds = {name: kind for marks in faults.values() for name, kind in marks.items()}
    return report(wrong, right, kinds)


def shares(file: Path, names: list[str]) -> list[tuple[Path, tuple[str, ...]]]:
    """Split a file's functions into shares."""
    return [(file, tuple(names[at : at + SHARE])) for at in range(0, len(names), SHARE)]


def marked_in(folder: str) -> dict[Path, dict[str, str]]:
    """Return the files of a folder that mark functions by @implements, and what `marked` finds in each."""
    marks = {file: marked(file) for file in sorted((KERNELS / folder).glob("*.py"))}
    return {file: names for file, names in marks.items() if names}


def marked(file: Path) -> dict[str, str]:
    """Return the kind of every function that a file marks by @implements; read, because a framework is slow to load."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    marks = {function.name: called(function) for function in functions}
    return {name: by.get("kind", "") for name, by in marks.items() if "implements" in by}


def called(function: ast.FunctionDef | ast.ClassDef) -> dict[str, str]:
    """Return a function's decorators with their first arguments."""
    calls = [one for one in function.decorator_list if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)]
    return {one.func.id: str(one.args[0].value) for one in calls if isinstance(one.args[0], ast.Constant)}


def judge(file: Path, names: tuple[str, ...], folder: Path, options: tuple[str, ...]) -> list[dict]:
    """Judge some functions of a file in a process of their own; goldens are shared."""
    store = folder / f"{file.parent.name}-{names[0]}.sqlite"
    command = [sys.executable, "-m", "xentbench", "judge", str(file), "--json"]
    ended = subprocess.run(
        [*command, "--only", ",".join(names), "--store", str(store), *options],
        cwd=KERNELS.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode not in {0, 1} or not ended.stdout:
        raise RuntimeError(f"judging {file} ended with {ended.returncode}, expected 0 or 1: {ended.stderr[-2000:]}")
    return json.loads(ended.stdout)


def caught_by(one: dict) -> list[str]:
    """Return the checks that a function fails, each once."""
    return list(dict.fromkeys(check for finding in one["findings"] for check in finding["checks"]))


def report(wrong: list[dict], right: list[dict], kinds: dict[str, str]) -> int:
    """Print who was caught by what, what each check is good for, and the two counts; return 0 where all is well."""
    out = Console(width=None if sys.stdout.isatty() else 160)
    table = Table("fault", "op", "kind", "caught by", title="planted faults", title_justify="left")
    for one in wrong:
        by = ", ".join(caught_by(one)) or ("by its end" if one["verdict"] == "failed" else "NOTHING")
        table.add_row(one["implementation"], one["op"], kinds.get(one["implementation"], ""), by)
    out.print(table)
    every, alone = Counter(), Counter()
    for one in wrong:
        checks = caught_by(one)
        every.update(checks)
        alone.update(checks if len(checks) == 1 else ())
    table = Table("check", "faults caught", "by it alone", title="checks", title_justify="left")
    for check in (*PLAIN, *explain.every_check()):
        table.add_row(check, str(every[check]), str(alone[check]))
    out.print(table)
    missed = [one["implementation"] for one in wrong if one["verdict"] == "conforms"]
    accused = [one for one in right if one["verdict"] != "conforms"]
    for one in accused:
        for finding in one["findings"]:
            out.print(f"accused: {one['implementation']}: {finding['case']}: {finding['reason']}", markup=False)
    idle = [check for check in judging(explain.every_check()) if not every[check]]
    out.print(f"caught {len(wrong) - len(missed)} of {len(wrong)} planted faults" + listed("; missed", missed))
    out.print(f"accused {len(accused)} of {len(right)} correct kernels")
    out.print("every check that judges caught something" if not idle else f"idle checks: {', '.join(idle)}")
    return int(bool(missed or accused or idle))


def judging(checks: dict) -> list[str]:
    """Return the checks that may find a deviation; those that only record are named by their suite.

    What was exported from a framework is no function that is judged.
    """
    return [*PLAIN[:2], *(name for name, check in checks.items() if check.judges and name != HELD)]


def listed(what: str, names: list[str]) -> str:
    """Return names behind a word, nothing where there are none."""
    return f"{what}: {', '.join(names)}" if names else ""


if __name__ == "__main__":
    sys.exit(main())
