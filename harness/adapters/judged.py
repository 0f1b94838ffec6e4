"""Functions that somebody wants judged: the mark that they carry, and how a file of them is read."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harness.adapters import state
from harness.adapters.catalogue import Builder, Catalogue, Function
from harness.adapters.fence import NotAnArray, NotInstalled, caught
from harness.adapters.frameworks import importing, load, names, program, triton_first
from harness.adapters.parameters import Parameters
from harness.model import Param
from harness.ops import OPS
from harness.spelling import choice, meant, try_instead

MARKED: list[tuple[str, str, Function]] = []  # (framework, op, function), in the order they were met
F = TypeVar("F", bound=Function)


def implements(op: str, framework: str) -> Callable[[F], F]:
    """Mark a plain function as an implementation of an op, for `xentbench judge`; it is returned as it is.

    It takes and returns the framework's own arrays, as the op's `signature` says; logits (rows, classes) and more axes
    where it takes an axis; labels are class indices or shaped like the logits. Gradients are the framework's.
    Options are asked that it has a parameter for, under a name that `harness.adapters.parameters` lists.
    Raises ValueError for an op or a framework that is not known.
    """
    if op not in OPS:
        known = ", ".join(f"{record.name}{record.signature}" for record in OPS.values())
        raise ValueError(f"op is {op!r}, expected one of {known}{try_instead(meant(op, OPS))}")
    choice("framework", framework, names())

    def register(function: F) -> F:
        MARKED.append((framework, op, function))
        return function

    return register


def expect_file(path: Path) -> None:
    """Raise ValueError for a file that is not there."""
    if not path.is_file():
        raise ValueError(f"file is {path}, expected a Python file with functions marked by @implements; check the path")


def catalogues(path: Path, only: Collection[str] = ()) -> dict[str, Catalogue]:
    """Run a file and return its functions by framework, all of them or those named; of a program, what it offers.

    Raises ValueError for a file that is not there, does not run, or marks no function, and for a name not in it.
    """
    expect_file(path)
    if path.suffix != ".py" and os.access(path, os.X_OK):
        return _of_program(path, only)
    spec = importlib.util.spec_from_file_location(f"judged_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(
            f"file is {path}, expected a Python file, with a name that ends in .py, or a program; try: chmod +x {path}"
        )
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path.insert(0, str(path.parent.resolve()))  # as `python FILE.py` does, for what the file imports beside it
    sys.modules[spec.name] = module  # where compilers look for a function's globals
    met = len(MARKED)
    triton_first()  # the file may hold functions of TensorFlow and of torch
    try:
        with state.kept(ours=True), importing():
            ran = caught(partial(spec.loader.exec_module, module))
    finally:
        sys.path[:] = before
    if ran is not None:
        raise ValueError(f"file {path} does not run: {ran.reason}; try: python {path}")
    marked = MARKED[met:]
    if not marked:
        raise ValueError(f'file is {path}, expected a function marked by @implements(op, framework="...") in it')
    _all_there(path, only, {_name(function) for _, _, function in marked})
    found = by_framework([one for one in marked if not only or _name(one[2]) in only])
    changed = ", ".join(state.changed())
    for catalogue in found.values():
        catalogue.file = str(path.resolve())
        if changed:
            catalogue.notes |= {
                name: f"`{name}` is of a file that changes {changed} when it is read; it is asked without that"
                for _, name in catalogue.offers
            }
    return found


def _of_program(path: Path, only: Collection[str]) -> dict[str, Catalogue]:
    """Start a program of a user's own and return what it offers, under its name."""
    name = program(str(path))
    try:
        catalogue = load(name).catalogue
    except NotInstalled as error:
        raise ValueError(str(error)) from error
    _all_there(path, only, {function for _, function in catalogue.offers})
    catalogue.offers = {key: offer for key, offer in catalogue.offers.items() if not only or key[1] in only}
    return {name: catalogue}


def _all_there(path: Path, only: Collection[str], held: Collection[str]) -> None:
    """Raise ValueError for a function that is named and that a file has not."""
    if absent := set(only) - set(held):
        likely = try_instead(meant(min(absent), held))
        raise ValueError(
            f"--only is {', '.join(sorted(absent))}, expected functions of {path}: {', '.join(sorted(held))}{likely}"
        )


def _name(function: Function) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def by_framework(marked: list[tuple[str, str, Function]]) -> dict[str, Catalogue]:
    """Return functions, each with its framework and its op, as catalogues by framework."""
    found: dict[str, Catalogue] = {}
    for framework, op, function in marked:
        catalogue = found.setdefault(framework, Catalogue(framework))
        catalogue.form(op, _name(function), "fused")(builder(op, _first_of(function, catalogue), framework))
    return found


def _first_of(function: Function, catalogue: Catalogue) -> Function:
    """Return a function whose answer, where it is a tuple, is the first element; the catalogue takes note of it.

    It raises NotAnArray where a function returns None: what else would fail on it says nothing of the function.
    """

    @functools.wraps(function, updated=())
    def first(*arguments: Any, **options: Any) -> Any:
        answer = function(*arguments, **options)
        if answer is None:
            raise NotAnArray("returned None, expected an array; try: return")
        if not isinstance(answer, tuple | list) or not answer:
            return answer
        name, what = _name(function), f"a {type(answer).__name__} of {len(answer)}"
        catalogue.notes[name] = f"`{name}` returned {what}; its first element is judged"
        return answer[0]

    return first


def builder(op: str, function: Function, framework: str) -> Builder:
    """Return the builder of a function: of the options it takes those that it has parameters for.

    A parameter that is no option is one of the builder's as well, which refuses it by name.
    """
    parameters = Parameters.of(op, function)

    def build(**asked: Param) -> Function:
        return parameters.bound(asked, framework)

    build.__signature__ = parameters.signature  # type: ignore[attr-defined]  # where an adapter looks for the options
    return build
