"""The action and the pre-commit hook: their own steps are run here, and leave behind what they say."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
SMALL = {"on": "torch:eager", "op": "softmax", "dtype": "float32", "preset": "smoke", "install": "false"}
BASH, GIT = shutil.which("bash"), shutil.which("git")
FEW = "--family all_equal,offset,normal"


def environment(folder):
    """Return an environment in which `xentbench` and `python` are this checkout's."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, words in {"xentbench": "-m xentbench", "python": ""}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', "utf-8")
        (tools / name).chmod(0o755)
    return os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def act(folder, **given):
    """Run the action's steps as a runner does; return the exit code of the step that failed, and the outputs."""
    values = {f"inputs.{name}": one.get("default", "") for name, one in ACTION["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in given.items()} | {"github.action_path": str(ROOT)}
    values["github.run_id"] = "17"

    def filled(text):
        while EXPRESSION.search(text):
            text = EXPRESSION.sub(lambda found: values.get(found[1], ""), text)
        return text

    surroundings = environment(folder)
    code = 0
    for step in ACTION["runs"]["steps"]:
        said = folder / "said"
        said.write_text("")
        paths = {"GITHUB_OUTPUT": str(said), "GITHUB_STEP_SUMMARY": str(folder / "page.md")}
        given_here = {name: filled(value) for name, value in step.get("env", {}).items()}
        command = [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        ended = subprocess.run(command, cwd=folder, env=surroundings | paths | given_here, check=False)
        code = ended.returncode
        for line in said.read_text().splitlines():
            name, value = line.split("=", 1)
            values[f"steps.{step['id']}.outputs.{name}"] = value
        if code:
            break
    return code, {name: filled(output["value"]) for name, output in ACTION["outputs"].items()}


def test_first_run_leaves_all_behind(tmp_path):
    """Without a baseline nothing is compared; with the run file that it leaves, the second run is held against it."""
    pytest.importorskip("torch")
    code, outputs = act(tmp_path, **SMALL, arguments=FEW)

    assert code == 0
    assert outputs["code"] == "0"
    assert (tmp_path / outputs["report"] / "index.html").is_file()
    assert json.loads((tmp_path / outputs["badge"]).read_text())["label"] == "xentbench"
    assert "nothing was compared" in (tmp_path / outputs["comment"]).read_text()
    assert (tmp_path / "page.md").read_text() == (tmp_path / outputs["comment"]).read_text()
    shutil.copy(tmp_path / outputs["run-file"], tmp_path / "earlier.jsonl.gz")

    code, outputs = act(tmp_path, **SMALL, arguments=FEW, baseline="earlier.jsonl.gz", **{"run-uid": "second"})

    assert code == 0
    assert "safe to take" in (tmp_path / outputs["comment"]).read_text()


def test_shards_are_put_together(tmp_path):
    """Shards of one run, asked apart, are one run where their files are imported."""
    pytest.importorskip("torch")
    for shard in ("1/2", "2/2"):
        code, outputs = act(tmp_path, **SMALL, arguments=f"{FEW} --shard {shard}", directory=f"shard-{shard[0]}")
        assert code == 0
        shutil.copy(tmp_path / outputs["run-file"], tmp_path / f"part{shard[0]}.jsonl.gz")

    code, outputs = act(tmp_path, install="false", **{"import": "part*.jsonl.gz", "directory": "whole"})

    assert code == 0
    assert (tmp_path / outputs["report"] / "index.html").is_file()


@pytest.mark.parametrize(
    ("asked", "compared", "fail_on", "code"),
    [
        ("0", "0", "new", 0),
        ("1", "0", "new", 1),
        ("1", "0", "never", 0),
        ("4", "0", "never", 4),
        ("0", "1", "new", 1),
        ("0", "3", "new", 3),
    ],
)
def test_decision(tmp_path, asked, compared, fail_on, code):
    """A crash always fails; a deviation, and a change for the worse, where they are asked to."""
    step = ACTION["runs"]["steps"][-1]
    variables = {"ASKED": asked, "COMPARED": compared, "FAIL_ON": fail_on, "GITHUB_OUTPUT": str(tmp_path / "said")}
    ended = subprocess.run([BASH, "-e", "-c", step["run"]], env=os.environ | variables, check=False)

    assert ended.returncode == code
    assert (tmp_path / "said").read_text() == f"code={code}\n"


def test_wrong_option_ends_at_once(tmp_path):
    """What cannot be asked leaves no report behind that says all is well."""
    code, _ = act(tmp_path, **SMALL | {"op": "softmaxx"})

    assert code == 2
    assert not (tmp_path / "build/comment.md").exists()


def committed(folder, *words):
    """Run git in a folder."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "init.defaultBranch=main")
    subprocess.run([GIT, *who, *words], cwd=folder, check=True, capture_output=True)


def test_hook_refuses_what_deviates(tmp_path):
    """pre-commit itself reads the hook's record and runs it: a wrong kernel is refused, other files pass."""
    hooks, mine = tmp_path / "hooks", tmp_path / "mine"
    hooks.mkdir()
    mine.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    for folder in (hooks, mine):
        committed(folder, "init")
    committed(hooks, "add", ".")
    committed(hooks, "commit", "-m", "hooks")
    kernel = "import numpy as np\nfrom xentbench import implements\n\n\n@implements('softmax', framework='numpy')\n"
    (mine / "wrong.py").write_text(
        f"{kernel}def f(x, axis=-1):\n    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)\n"
    )
    (mine / "plain.py").write_text("print('no kernel')\n")
    committed(mine, "add", ".")

    def run(*files):
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), "xentbench-judge", "--files", *files]
        surroundings = environment(tmp_path) | {"PRE_COMMIT_HOME": str(tmp_path / "kept")}
        return subprocess.run(command, cwd=mine, env=surroundings, capture_output=True, text=True, check=False)

    refused, passed = run("wrong.py", "plain.py"), run("plain.py")

    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "deviates" in refused.stdout
    assert "wrong.py" not in passed.stdout
    assert passed.returncode == 0, passed.stdout + passed.stderr
