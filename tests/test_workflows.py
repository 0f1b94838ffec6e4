"""The workflows: every command in them is one that there is, and what one job hands on, the next one finds."""

import re
from itertools import product
from pathlib import Path

import pytest
import yaml

from tests.made import command_lines

ROOT = Path(__file__).parent.parent
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
GATE = WORKFLOWS["regression"]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def steps(workflow):
    """Return every step of every job, with its job."""
    return [(job, step) for job in workflow["jobs"].values() for step in job["steps"]]


def filled(text, workflow, values):
    """Fill in a text's expressions: of the matrix its value, of a condition the option in it, of an id a number."""

    def value(found):
        option = re.search(r"'(-.*?)'", found[1])
        return option[1] if option else str(values.get(found[1].removeprefix("matrix."), 17))

    text = EXPRESSION.sub(value, text)
    for name, known in workflow.get("env", {}).items():
        text = text.replace(f"${name}", str(known))
    return text


def each(matrix):
    """Yield every combination of a matrix's values."""
    for combination in product(*matrix.values()):
        yield dict(zip(matrix, combination, strict=True))


COMMANDS = {
    f"{name}: {' '.join(words)}": words
    for name, workflow in WORKFLOWS.items()
    for job, step in steps(workflow)
    for values in each(job.get("strategy", {}).get("matrix", {}))
    for words in command_lines.commands(filled(step.get("run", ""), workflow, values))
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_command_is_understood(words):
    """A command of a workflow is one that there is, with options that there are and values that they take."""
    name, parameters = command_lines.parse(words)

    assert name == words[0]
    assert parameters


def test_commands_are_found():
    """The reader above finds what the gate does beside the action."""
    assert {words[0] for words in COMMANDS.values()} == {"compare", "report"}


def test_action_takes_what_it_is_given():
    """What the gate tells the action are inputs that it has."""
    given = [step["with"] for _, step in steps(GATE) if step.get("uses") == "./"]

    assert len(given) == 2
    assert all(set(each) <= set(ACTION["inputs"]) for each in given)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("xentbench run --sharp 1/2", "No such option: --sharp"),
        ("xentbench run --shard 3/2", "--shard is '3/2', expected"),
        ("xentbench comparison a b", "command is 'comparison', expected one of run, "),
        ("xentbench export --format junits > x", "--format is 'junits', expected"),
        ("xentbench status a | tee x", "unexpected extra argument"),
        ("xentbench run --run-uid latest", "--run-uid is 'latest', expected"),
    ],
)
def test_wrong_command_is_seen(line, message):
    """An option that was renamed, or a value that is none, is found out."""
    (words,) = command_lines.commands(line)

    with pytest.raises(Exception, match=re.escape(message)):
        command_lines.parse(words)


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_workflow_may_read_and_no_more(workflow):
    """A workflow reads the repository, and takes every action but its own by its major version."""
    used = [step["uses"] for _, step in steps(workflow) if "uses" in step]

    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert used
    assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+|\./", action) for action in used)


def test_shards_are_all_asked():
    """There are as many shards as each is told, and each framework that there is an extra for is asked."""
    matrix = GATE["jobs"]["ask"]["strategy"]["matrix"]

    assert matrix["shard"] == list(range(1, GATE["env"]["SHARDS"] + 1))
    assert matrix["framework"] == ["torch", "tensorflow", "jax"]


def test_runs_compared_are_those_asked():
    """The ids that the gate compares are those that the shards were asked under."""
    scripts = "\n".join(step.get("run", "") for _, step in steps(GATE))
    asked, joined = (step["with"]["run-uid"] for _, step in steps(GATE) if step.get("uses") == "./")
    compared = set(re.findall(r"(\w+)-\$\{\{ github\.run_id \}\}", scripts))

    assert asked == "${{ matrix.versions }}-${{ github.run_id }}"
    assert joined == "pinned-${{ github.run_id }}"
    assert compared == set(GATE["jobs"]["ask"]["strategy"]["matrix"]["versions"])


def test_what_is_kept_is_found_again():
    """The main branch's run is looked for where it is saved, and under the beginning of its key."""
    cached = {
        step["uses"]: step["with"] for _, step in steps(GATE) if step.get("uses", "").startswith("actions/cache/")
    }
    restored, saved = cached["actions/cache/restore@v4"], cached["actions/cache/save@v4"]

    assert restored["path"] == saved["path"]
    assert saved["key"].startswith(restored["restore-keys"])
