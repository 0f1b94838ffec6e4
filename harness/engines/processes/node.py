"""Engines that are a library of JavaScript: a script under Node, and the packages of a lock file beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from harness.adapters import NotInstalled
from harness.model import Array

HERE = Path(__file__).parent
SCRIPT = "engine.mjs"  # in the folder of each engine
HOME = "XENTBENCH_NODE"  # the variable that names a folder with a folder an engine, where packages lie elsewhere


def home(name: str) -> Path:
    """Return the folder that holds an engine's node_modules: the one beside its script, unless a variable says so."""
    elsewhere = os.environ.get(HOME)
    return Path(elsewhere, name).resolve() if elsewhere else HERE / name


def command(name: str, package: str) -> tuple[str, ...]:
    """Return the command that starts an engine. Raises NotInstalled where Node or its package is not there."""
    found, packages = shutil.which("node"), home(name)
    if found is None:
        raise NotInstalled(f"{name} needs node, which is not on the PATH; try: install Node 20 or later")
    if not (packages / "node_modules" / package).is_dir():
        raise NotInstalled(f"{name}: {package} is not in {packages}; try: npm ci --ignore-scripts --prefix {packages}")
    return found, str(HERE / name / SCRIPT), str(packages / "package.json")


def octets(data: bytes) -> Array:
    """Return bytes as an array that the protocol carries."""
    return np.frombuffer(data, np.uint8)
