"""Run on one GPU all that a machine without one cannot: `nox -s gpu`, or this script beside torch and jax alone.

    python tools/gpu.py [--device cuda] [--out build/gpu] [--only quick,duel] [--seconds 600]

Each step has a time of its own and is a process of its own: what cannot run is skipped with its reason, what fails or
takes too long loses no other step. What was answered in all of them becomes one run file, which `xentbench import`
takes beside the runs of other machines, and a short account in Markdown. With `--device cpu` the same steps run small,
to try the script: smaller shapes, fewer families and modes, and times that add up to ten minutes on two busy cores, as
the account says. Nothing in it is said of a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where this is run as a script of a checkout that is not installed

from harness.files import runfile  # noqa: E402 - needs the path above
from harness.files.fields import Part  # noqa: E402
from harness.model import Run  # noqa: E402
from harness.ops import OPS  # noqa: E402
from harness.store import Store  # noqa: E402

KERNELS = ROOT / "tests" / "kernels" / "gpu"
FRAMEWORKS = ("torch", "jax", "tensorflow")
CLOSING_SECONDS = 15  # after Ctrl-C, in which a command stores what it has
# What answers, and how many devices of a kind there are; a framework that is missing or broken says why.
PROBE = """
import json, sys
name, device = sys.argv[1:]
try:
    from harness.adapters import load
    devices = load(name).devices()
    print(json.dumps(["", [one for one in devices if one.partition(":")[0] == device]]))
except Exception as error:
    print(json.dumps([f"{type(error).__name__}: {error}"[:200], []]))
"""


@dataclass(frozen=True)
class Step:
    """One command of the harness: what it is for, its time, and the exit codes with which it has done its work."""

    name: str
    what: str
    seconds: float
    words: tuple[str, ...]  # behind `python -m`
    done: tuple[int, ...] = (0, 1)
    variables: Mapping[str, str] = field(default_factory=dict)
    skip: str = ""  # why it cannot run


@dataclass(frozen=True)
class Outcome:
    """What became of a step: `done`, `skipped`, `failed` or `out of time`; said: its last lines, or why."""

    step: Step
    state: str
    seconds: float
    said: str


def found(device: str) -> dict[str, tuple[str, list[str]]]:
    """Return of each framework why it cannot be asked, or its devices of a kind."""
    seen = {}
    for name in FRAMEWORKS:
        command = [sys.executable, "-c", PROBE, name, device.partition(":")[0]]
        ended = subprocess.run(command, cwd=ROOT, env=environment({}), capture_output=True, text=True, check=False)
        lines = ended.stdout.strip().splitlines()
        why, devices = json.loads(lines[-1]) if lines else (f"exit code {ended.returncode}", [])
        seen[name] = (why or ("" if devices else f"sees no {device}"), devices)
    return seen


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what a step starts with."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | dict(variables)


def steps(device: str, seen: Mapping[str, tuple[str, list[str]]], out: Path) -> list[Step]:
    """Return the steps in the order in which they are worth most: small on the cpu, whole on a GPU."""
    small, there = device == "cpu", [name for name, (_, devices) in seen.items() if devices]
    on = [pair for pair in ("torch:eager", "torch:compile", "jax:jit") if pair.partition(":")[0] in there]
    on += ["tensorflow"] if "tensorflow" in there else []
    none = "" if there else f"no framework sees {device}"
    torch = "" if "torch" in there else f"torch: {seen['torch'][0]}"
    named = ("--device", device, "--store", str(out / "steps.sqlite"))
    shape = "64x128" if small else "4096x32768"
    timing = ("--case", f"{shape},float32,value,grad_logits") if not small else ("--case", f"{shape},float32,value")
    seconds = ("--workers", "2", "--seconds", "2") if small else ("--seconds", "40")
    raced = on if not small else [one for one in on if one in {"torch:eager", "jax:jit"}]  # few processes to start
    two = [f"torch.nn.functional.cross_entropy@{mode}" for mode in ("eager", "eager" if small else "compile")]
    graph = ("--min-effect", "30%") if small else ("--graph",)
    few = ("--preset", "smoke", "--op", "logsumexp", "--dtype", "float32") if small else ("--preset", "quick")
    every = ("--preset", "full", "--family", "every_float16", "--dtype", "float16")
    one = ("--op", "sigmoid") if small else ()
    judged = ("--on", "torch:eager", *named)
    # In the interpreter a row takes milliseconds: not `normal`, whose invariance.many_rows asks of over 65 535.
    some = "near_ties,extremes,offset,all_equal,confident,wide_spread,normal_small,two_class_gap"
    families = ("--family", some, "--dtype", "float32") if small else ()
    alone = "torch:eager" if small and "torch" in there else ",".join(raced)  # jax has no fused linear loss
    interpreted = {"TRITON_INTERPRET": "1"} if small else {}
    triton = torch or ("" if _installed("triton") else "triton is not installed; try: pip install triton")
    linear = "" if "linear_xent" in OPS else "the op linear_xent is not in this version"
    listed, racing = ",".join(on), ",".join(raced)
    return [
        Step(
            "quick", "what the main job asks", 170 if small else 210, ("xentbench", "run", "--on", listed, *few, *named,
            "--report", str(out / "report")), (0, 1, 3), skip=none,
        ),
        Step(
            "float16", "every number of float16", 60,
            ("xentbench", "run", "--on", listed, *every, *one, *named, "--report", str(out / "report")), (0, 1, 3),
            skip=none,
        ),
        Step(
            "triton", "a right kernel in Triton, judged", 100 if small else 60,
            ("xentbench", "judge", str(KERNELS / "triton_loss.py"), *judged, *families), variables=interpreted,
            skip=triton,
        ),
        Step(
            "fault", "a planted fault, judged: it has to deviate", 30,
            ("xentbench", "judge", str(KERNELS / "second_chunk.py"), "--first", *judged), (1,), skip=torch,
        ),
        Step(
            "duel", "two modes of one loss, by events around a graph's replay", 80 if small else 60,
            ("xentbench", "duel", *two, *timing, *graph, *named), (0, 1, 3), skip=torch,
        ),
        Step(
            "tournament", "all sparse losses ranked, with roofline and peak memory", 80 if small else 90,
            ("xentbench", "tournament", "--op", "sparse_xent", "--on", racing, *timing, *seconds, *named), skip=none,
        ),
        Step(
            "linear", "fused linear cross-entropies ranked, with peak memory", 80 if small else 90,
            ("xentbench", "tournament", "--op", "linear_xent", "--on", alone,
             "--case", "16x16x64,float32,value" if small else "4096x4096x128256,bfloat16,value,grad_hidden",
             *seconds, *named), skip=none or linear,
        ),
    ]  # fmt: skip


def _installed(package: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def run(step: Step, log: Path, left: float) -> Outcome:
    """Run a step in its time, and in what is left of all; what it says goes to a file."""
    if step.skip:
        return Outcome(step, "skipped", 0.0, step.skip)
    most = min(step.seconds, left)
    if most <= 0:
        return Outcome(step, "skipped", 0.0, "no time was left")
    begun = time.monotonic()
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *step.words],
            cwd=ROOT,
            env=environment(step.variables),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that a signal reaches its processes, too
        )
        late = False
        try:
            process.wait(most)
        except subprocess.TimeoutExpired:
            late = True
            _end(process)
        except KeyboardInterrupt:
            _end(process)
            raise
    seconds = time.monotonic() - begun
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    said_last = "\n".join(lines[-12:])
    if late:
        said_last = f"stopped after {most:.0f} s; what was stored is kept\n{said_last}"
        return Outcome(step, "out of time", seconds, said_last)
    broken = any(line.startswith("Traceback ") for line in lines)  # ends with 1, too
    state = "done" if process.returncode in step.done and not broken else "failed"
    return Outcome(step, state, seconds, f"exit code {process.returncode}\n{said_last}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a step to end as Ctrl-C does, and end it."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(CLOSING_SECONDS)
            return


def bring_back(steps_store: Path, file: Path, started: str, device: str) -> int:
    """Write all that the steps stored as one run, under one id; return the number of its results."""
    uid = f"gpu-{started.replace('-', '').replace(':', '')[:15]}-{os.getpid():x}"
    whole = steps_store.with_name("whole.sqlite")
    whole.unlink(missing_ok=True)
    with Store(steps_store, make=False) as store, Store(whole) as joined:
        runs = store.runs()
        host = dict(runs[0].host) if runs else {}
        joined.join(Run(uid, started, _now(), f"python tools/gpu.py --device {device}", "gpu", host))
        for one in runs:
            begun = store.begun(one.uid)
            for facts in begun.environments.values():
                joined.add_environment(facts)
            for entry in begun.not_run:
                joined.add_not_run(uid, entry)
            joined.append(uid, store.results(one.uid))
        with file.open("wb") as to:
            return runfile.write(Part(joined.begun(uid), joined.results(uid, by_case=True)), to)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> list[tuple[str, str]]:
    """Return what the account says of the machine."""
    facts = [("machine", f"{platform.machine()}, {os.cpu_count()} cores"), ("python", platform.python_version())]
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = f"nvidia-smi does not answer ({error})"
    return [*facts, ("gpu", said or "nvidia-smi names none")]


def account(
    outcomes: Sequence[Outcome], device: str, seen: Mapping[str, tuple[str, list[str]]], results: int, file: Path
) -> str:
    """Return the account in Markdown."""
    title = "on a GPU" if device != "cpu" else "tried on a CPU, where nothing is said of a GPU"
    lines = [f"# What the harness found {title}", ""]
    lines += [f"- {name}: {text}" for name, text in machine()]
    lines += [f"- {name}: {why or ', '.join(devices)}" for name, (why, devices) in seen.items()]
    if device == "cpu":
        lines += ["", "Smaller shapes, fewer families and modes than on a GPU: each step names its own below."]
    lines += ["", f"{results} results in `{file.name}`, which `xentbench import` takes beside those of other machines."]
    lines += ["", "| step | what | became | seconds |", "| --- | --- | --- | ---: |"]
    lines += [f"| {one.step.name} | {one.step.what} | {one.state} | {one.seconds:.0f} |" for one in outcomes]
    for one in outcomes:
        fenced = one.said.replace("```", "'''")
        lines += ["", f"## {one.step.name}: {one.state}", "", "```", " ".join(one.step.words), fenced, "```"]
    text = "\n".join(lines) + "\n"  # without where it all lies here
    return text.replace(str(file.parent), file.parent.name).replace(f"{ROOT}{os.sep}", "")


def main(arguments: Sequence[str] | None = None, choose: Callable[..., list[Step]] = steps) -> int:
    """Run the steps, and write what came of them; return 0 where each was done or skipped, and one was done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try the script")
    parser.add_argument("--out", type=Path, default=Path("build/gpu"), help="where run file and account go")
    parser.add_argument("--only", default="", help="steps, apart by commas")
    parser.add_argument("--seconds", type=float, default=600.0, help="for all steps together")
    asked = parser.parse_args(arguments)
    out: Path = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("steps.sqlite*"):
        old.unlink()
    started, begun, outcomes = _now(), time.monotonic(), []
    seen = found(asked.device)
    chosen = choose(asked.device, seen, out)
    if wrong := set(filter(None, asked.only.split(","))) - {step.name for step in chosen}:
        parser.error(f"--only is {', '.join(wrong)}, expected some of {', '.join(step.name for step in chosen)}")
    file = out / "gpu.run.jsonl.gz"
    try:
        for step in chosen:
            wanted = step if not asked.only or step.name in asked.only.split(",") else replace(step, skip="not asked")
            outcomes.append(run(wanted, out / f"{step.name}.log", asked.seconds - (time.monotonic() - begun)))
            print(f"{step.name}: {outcomes[-1].state}, {outcomes[-1].seconds:.0f} s", flush=True)  # noqa: T201
    finally:  # what there is comes back, whatever happens
        there = (out / "steps.sqlite").exists()
        results = bring_back(out / "steps.sqlite", file, started, asked.device) if there else 0
        (out / "gpu.md").write_text(account(outcomes, asked.device, seen, results, file), "utf-8")
        print(f"{results} results: {file}\naccount: {out / 'gpu.md'}")  # noqa: T201
    states = [one.state for one in outcomes]
    return 0 if "done" in states and not {"failed", "out of time"} & set(states) else 1


if __name__ == "__main__":
    sys.exit(main())
