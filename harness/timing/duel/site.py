"""Where workers run: an interpreter here, in another environment or on another machine, and what it starts with."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from harness.running.runner import SHARED_DEVICE, thread_limits

STARTED_WITH = {"TF_CPP_MIN_LOG_LEVEL": "3", **SHARED_DEVICE}


@dataclass(frozen=True)
class Site:
    """Where workers run. spec: execnet's, such as `popen` or `ssh=host//python=/opt/env/bin/python`."""

    spec: str = "popen"
    threads: int = 1
    variables: tuple[tuple[str, str], ...] = ()  # set before the process starts

    @property
    def here(self) -> bool:
        """Tell whether workers share this machine's files."""
        return self.spec.startswith("popen")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a process starts with, those that limit its threads among them."""
        return thread_limits(self.threads) | dict(self.variables)

    @classmethod
    def of(cls, python: str = "", spec: str = "", threads: int = 1, variables: Mapping[str, str] | None = None) -> Site:
        """Make a site of an interpreter's path or of a spec, which wins."""
        quoted = shlex.quote(python) if os.name == "posix" else python  # execnet splits it as a shell does
        chosen = spec or (f"popen//python={quoted}" if python else "popen")
        return cls(chosen, threads, tuple((STARTED_WITH | dict(variables or {})).items()))

    def started_with(self, variables: Mapping[str, str]) -> str:
        """Return a spec whose interpreter starts with these variables: libc reads its own before Python runs.

        execnet's `env:` sets them inside the process, which is too late for malloc. Windows has no `env`.
        """
        if os.name != "posix":
            return self.spec
        parts = self.spec.split("//")
        given = next((part for part in parts if part.startswith("python=")), "")
        python = given.removeprefix("python=") or (shlex.quote(sys.executable) if self.here else "python3")
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items() if "//" not in value)
        return "//".join([*(part for part in parts if part != given), f"python=env {settings} {python}"])
