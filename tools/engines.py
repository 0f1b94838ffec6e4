"""Ask engines, each in an environment of its own, as one run with one report: `nox -s engines`.

    python -m tools.engines [NAME...] [--all] [options of xentbench run]

Without names all that is light is asked, with `--all` what is heavy too, and torch beside them, for comparison.
An engine that cannot be installed is stored as not run, and takes no other along.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.adapters import frameworks
from harness.running import arguments
from tools.versions import HOMES, OWN, SCRIPTS, at_hand, called, resolver, unbound


@dataclass(frozen=True)
class Needs:
    """What an engine needs that is not as usual.

    python: another version of it than the session's. npm: the folder of a lock file, by which Node's packages are put
    there. heavy: why it is asked by name or with `--all` alone. unbound:
    whether it chooses its own versions of the frameworks, and of what they stand on.
    """

    python: str = ""
    npm: str = ""
    heavy: str = ""
    unbound: bool = False


USUAL = Needs()
PROCESSES = "harness/engines/processes"
NEEDS: Mapping[str, Needs] = {
    "cut_cross_entropy": Needs(heavy="its kernels import Triton, 1 GB"),
    "jax_export": Needs(heavy="jax and TensorFlow, 2 GB"),
    "liger": Needs(heavy="Triton, 1 GB, which interprets it on the cpu"),
    "litert": Needs(heavy="it brings TensorFlow, whose converter it is: 1.4 GB"),
    "onnxruntime_web": Needs(npm=f"{PROCESSES}/onnxruntime_web"),
    "paddle": Needs(heavy="700 MB"),
    "saved_model": Needs(heavy="TensorFlow, 1.4 GB"),
    "tfjs": Needs(npm=f"{PROCESSES}/tfjs"),
    "tokamax": Needs(python="3.12", heavy="a jax of its own and a profiler, 900 MB", unbound=True),
    "torch_onnx": Needs(heavy="each function and option is exported: minutes"),
}
BESIDE = ("torch:eager",)  # asked where nothing is named: what engines are held against
STAMP = "made.sha256"  # in an environment: of what it was made by
STORE = ("--store", "build/engines.sqlite", "--report", "build/engines")


def main(words: Sequence[str]) -> int:
    """Do it, and return the exit code of the run."""
    try:
        asked, options = read(words)
        uv = resolver()
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    pythons = [word for name in dict.fromkeys(framework for framework, _ in asked) for word in made(uv, name)]
    on = ",".join(f"{name}:{mode}" if mode else name for name, mode in asked)
    program = str(Path(sys.executable).with_name("xentbench"))
    return called(program, "run", "--on", on, *pythons, *STORE, *options)


def read(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Read the arguments: (name, mode) of what is asked, and the options of the run. Raises ValueError."""
    end = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    named, options = words[:end], [word for word in words[end:] if word != "--all"]
    if named:
        return list(arguments.pairs(",".join(named))), options
    heavy = "--all" in words
    chosen = [name for name in frameworks.engines() if heavy or not NEEDS.get(name, USUAL).heavy]
    return [*((name, "") for name in chosen), *arguments.pairs(",".join(BESIDE))], options


def made(uv: str, name: str) -> list[str]:
    """Make the environment of an engine; return the option that names its interpreter, or nothing where it fails.

    One that is there, made by the same commands, is taken as it is; to have it made anew, remove its folder.
    What fails is then asked for in this environment, where it is not, and so stored as not run.
    """
    needs = NEEDS.get(name, USUAL)
    python = needs.python or OWN
    home = HOMES / f"engines-{name}-{python}"
    constraints = Path("constraints.txt")
    if needs.unbound:
        constraints = Path("build/engines-constraints.txt")
        constraints.parent.mkdir(exist_ok=True)
        constraints.write_text(unbound(Path("constraints.txt").read_text("utf-8")), "utf-8")
    install = ("pip", "install", "--python", str(home), "-c", str(constraints), "-e", f".[{name},fast]")
    commands = [(uv, "venv", "--allow-existing", "--python", at_hand(uv, python) or python, str(home)), (uv, *install)]
    npm = shutil.which("npm")
    if needs.npm and npm:
        commands.append((npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", needs.npm))
    made_of, stamp = _made_of(commands, constraints, needs), home / STAMP
    packages = not needs.npm or Path(needs.npm, "node_modules").is_dir()
    if not (packages and stamp.is_file() and stamp.read_text("utf-8") == made_of):
        stamp.unlink(missing_ok=True)
        if (needs.npm and not npm) or any(called(*command) for command in commands):
            sys.stderr.write(f"not installed: {name}\n")
            return []
        stamp.write_text(made_of, "utf-8")
    return ["--python", f"{name}={home / SCRIPTS / ('python.exe' if os.name == 'nt' else 'python')}"]


def _made_of(commands: Sequence[Sequence[str]], constraints: Path, needs: Needs) -> str:
    """Return a digest of what an environment is made by: to make it again takes as long as to ask a small engine.

    By whose uv or npm it is made, as by that of another session, is left out.
    """
    lock = [Path(needs.npm, "package-lock.json")] if needs.npm else []
    files = [path.read_bytes() for path in (Path("pyproject.toml"), constraints, *lock) if path.is_file()]
    return hashlib.sha256(b"\0".join((repr([command[1:] for command in commands]).encode(), *files))).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
