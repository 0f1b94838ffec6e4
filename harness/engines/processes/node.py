"""Engines that are a library of JavaScript: a script under Node, and the packages of a lock file beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.adapters import NotInstalled
from harness.engines.processes import adapter

HERE = Path(__file__).parent
SCRIPT = "engine.mjs"  # in the folder of each engine
HOME = "XENTBENCH_NODE"  # the variable that names a folder with a folder an engine, where packages lie elsewhere


def home(name: str) -> Path:
    """Return the folder that holds an engine's node_modules: the one beside its script, unless a variable says so."""
    elsewhere = os.environ.get(HOME)
    return Path(elsewhere, name).resolve() if elsewhere else HERE / name


class Adapter(adapter.Adapter):
    """A script of an engine's folder, run by Node."""

    def __init__(self, name: str, package: str) -> None:
        """Start the script. Raises NotInstalled where Node or the package is not there."""
        node, packages = shutil.which("node"), home(name)
        if node is None:
            raise NotInstalled(f"{name} needs node, which is not on the PATH; try: install Node 20 or later")
        if not (packages / "node_modules" / package).is_dir():
            raise NotInstalled(
                f"{name}: {package} is not in {packages}; try: npm ci --ignore-scripts --prefix {packages}"
            )
        super().__init__(name, node, str(HERE / name / SCRIPT), str(packages / "package.json"))
