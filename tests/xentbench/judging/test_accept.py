"""`xentbench accept`: what it writes is a list of known deviations, and the judge reads it."""

import json
import math
import tomllib

from harness.model import Checked, Failed, TimedOut
from harness.running import host
from harness.store import Store
from suites.judging import judge
from tests.made.verdicts import result, score
from xentbench.judging import accept

KERNEL = """
import numpy as np
from xentbench import implements

@implements("log_sigmoid", framework="numpy")
def unshifted(logits):
    return -np.log(1 + np.exp(-logits))
"""


def entries(*members):
    """Return what is accepted of some answers."""
    return tomllib.loads(accept.entry(members, 'as "planned"', "https://example.org/1"))["known"]


def test_entry_covers_its_answers(tmp_path):
    """An entry is a Known of the answers that it was made of, and of none that is worse."""
    wrong = result(score(2.0)), result(score(3.0), family="offset")
    file = tmp_path / "accepted.toml"
    accept.append(file, accept.entry(wrong, "as planned", ""))

    (known,) = judge.listed(file)

    assert (known.at_most, known.reason) == (3.0, "as planned")
    assert all(known.covers(one.case, one.target, one.outcome) for one in wrong)
    assert not known.covers(wrong[0].case, wrong[0].target, score(3.1))


def test_entry_keeps_quotes_and_link():
    """A reason is a text as it was written."""
    (one,) = entries(result(score()))

    assert (one["reason"], one["link"]) == ('as "planned"', "https://example.org/1")


def test_entry_says_what_it_was_seen_with():
    """The versions that an answer was given with stand in its entry; where none are known, nothing does."""
    (one,) = tomllib.loads(accept.entry([result(score())], "why", "", ["torch 2.13.0"]))["known"]

    assert one["seen"] == ["torch 2.13.0"]
    assert "seen" not in entries(result(score()))[0]


def test_broken_rules_have_no_size():
    """What is infinitely far off is accepted at any size; a raise is one."""
    (rule,), (raised,) = (
        entries(result(Checked(4, math.inf), check="special.nan_logit")),
        entries(result(Failed("raised", "no"))),
    )

    assert "at_most" not in rule
    assert rule["case"] == ["special.nan_logit:softmax-value-normal-float32-32x64"]
    assert raised["raises"]


def test_what_was_not_asked_for_is_accepted_too():
    """Ten answers alike stand for those that were spared: the entry is a glob over families."""
    (one,) = entries(*(result(score(), family=f"f{number}") for number in range(10)))

    assert one["case"] == ["softmax*-value-*-float32-*"]


def test_accepted_is_known(shell, tmp_path):
    """A finding that is accepted deviates no more; a name that is not there is answered with others."""
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    store = ("--store", tmp_path / "judged.sqlite")
    asked = ("judge", tmp_path / "kernel.py", *store, "--dtype", "float64", "--json")
    known = ("--known", tmp_path / "lists" / "accepted.toml")

    for _ in range(5):
        (found,) = json.loads(shell(*asked, *(known if (tmp_path / "lists").exists() else ())).stdout)
        for finding in found["findings"]:
            ended = shell("accept", f"{finding['case']}@{finding['target']}", *store, "--reason", "as planned", *known)
            assert ended.returncode == 0, ended.stderr
        if found["verdict"] == "conforms":
            break

    assert found["verdict"] == "conforms"
    assert shell("accept", "nothing", *store, "--reason", "none").returncode == 2


def test_process_that_hung_is_never_accepted(shell, tmp_path):
    """What gave no answer is a failure of the machinery, which no list covers."""
    store = tmp_path / "judged.sqlite"
    hung = result(TimedOut(2.0))
    with Store(store) as opened:
        run = host.new_run("quick")
        opened.begin(run)
        opened.append(run.uid, [hung])

    ended = shell("accept", f"{hung.case}@{hung.target}", "--store", store, "--reason", "as planned")

    assert ended.returncode == 2
    assert "is none (timed out after 2 s), expected one that deviates; a process that dies or hangs" in ended.stderr
    assert not (tmp_path / "accepted.toml").exists()
