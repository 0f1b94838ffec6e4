"""Print the figures of the house: `python -m tests.structure [ROOT]`, of this checkout or of another one.

A module is a file of Python under one of the source packages; a sheet is one folder, whose rooms are its modules and
its sub-folders, and whose arrows say that something in one room imports something in another.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PACKAGES = ("harness", "reference", "suites", "reports", "xentbench")
LONG = 300  # lines from which on a file is a smell

Graph = Mapping[str, set[str]]  # module -> the modules of ours that it imports


def modules(root: Path) -> dict[str, Path]:
    """Return every source module by its dotted name."""
    files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    files += sorted(root.glob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imports(root: Path, *, deferred: bool = False, typing: bool = False) -> dict[str, set[str]]:
    """Return what each module imports of the others when it is loaded.

    deferred: also what its functions import. typing: also what is imported for type checkers alone.
    """
    known = modules(root)
    return {
        module: {
            target
            for statement in _imports(ast.parse(path.read_text(encoding="utf-8")).body, deferred, typing)
            for target in _targets(statement, known)
        }
        - {module}
        for module, path in known.items()
    }


def _imports(body: Sequence[ast.AST], deferred: bool, typing: bool) -> Iterator[ast.Import | ast.ImportFrom]:  # noqa: FBT001 - of `imports`
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if not deferred:
                continue
            case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=orelse) if not typing:
                yield from _imports(orelse, deferred, typing)
            case _:
                yield from _imports(list(ast.iter_child_nodes(node)), deferred, typing)


def _targets(statement: ast.Import | ast.ImportFrom, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules that an import names: `from a import b` is a.b where that is a module, else a."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names if alias.name in known)
        return
    for alias in statement.names:
        inner = f"{statement.module}.{alias.name}"
        if inner in known or statement.module in known:
            yield inner if inner in known else str(statement.module)


def circle(graph: Graph) -> list[str]:
    """Return modules that import one another in a circle, or nothing."""
    done: set[str] = set()

    def search(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        found = next(filter(None, (search(target, [*path, module]) for target in sorted(graph[module]))), [])
        done.add(module)
        return found

    return next(filter(None, (search(module, []) for module in sorted(graph))), [])


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest way from import to import; the graph has no circle."""
    chains: dict[str, list[str]] = {}

    def chain(module: str) -> list[str]:
        if module not in chains:
            chains[module] = [module, *max(map(chain, sorted(graph[module])), key=len, default=[])]
        return chains[module]

    return max(map(chain, sorted(graph)), key=len)


def folders(root: Path) -> dict[str, int]:
    """Return how many modules each folder holds."""
    counts: dict[str, int] = defaultdict(int)
    for path in modules(root).values():
        counts[path.relative_to(root).parent.as_posix()] += 1
    return dict(counts)


def sheets(root: Path) -> dict[str, set[tuple[str, str]]]:
    """Return the arrows on each folder's sheet; the root's rooms are the packages."""
    known = modules(root)
    places = {module: path.relative_to(root).with_suffix("").parts for module, path in known.items()}
    arrows: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for module, targets in imports(root, deferred=True).items():
        for target in targets:
            here, there = places[module], places[target]
            shared = next(i for i, pair in enumerate(zip(here, there, strict=False)) if pair[0] != pair[1])
            arrows["/".join(here[:shared]) or "."].add((here[shared], there[shared]))
    return dict(arrows)


def long_files(root: Path) -> dict[str, int]:
    """Return the files of more than LONG lines, the longest first."""
    lengths = {path.relative_to(root).as_posix(): lines(path) for path in modules(root).values()}
    return {file: count for file, count in sorted(lengths.items(), key=lambda item: -item[1]) if count > LONG}


def lines(path: Path) -> int:
    """Return the number of a file's lines."""
    return len(path.read_text(encoding="utf-8").splitlines())


def report(root: Path) -> str:
    """Return the figures as text."""
    graph = imports(root)
    chain, counts, arrows = longest_chain(graph), folders(root), sheets(root)
    fullest, busiest = (
        max(counts, key=lambda folder: counts[folder]),
        max(arrows, key=lambda folder: len(arrows[folder])),
    )
    long = long_files(root)
    return "\n".join(
        (
            f"longest import chain   {len(chain):6}  {' > '.join(chain)}",
            f"circle of imports      {len(circle(imports(root, deferred=True, typing=True))):6}",
            f"fullest folder         {counts[fullest]:6}  modules in {fullest}",
            f"fullest sheet          {len(arrows[busiest]):6}  arrows in {busiest}",
            f"arrows on all sheets   {sum(map(len, arrows.values())):6}",
            f"files over {LONG} lines   {len(long):6}  {', '.join(f'{file} {count}' for file, count in long.items())}",
            f"source files           {len(modules(root)):6}",
            f"source lines           {sum(map(lines, modules(root).values())):6}",
        )
    )


if __name__ == "__main__":
    print(report(Path(sys.argv[1] if sys.argv[1:] else Path(__file__).parents[1])))  # noqa: T201 - what it is for
