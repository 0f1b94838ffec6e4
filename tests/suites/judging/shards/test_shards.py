"""A run in pieces: cut without rest, refused where workers differ, and on a cluster the same to the last bit."""

import signal
from dataclasses import replace

import pytest

from harness.adapters import frameworks
from harness.files import runfile
from harness.model import Result, Target, Unsupported
from harness.running import host
from harness.running.spread import executors, workers
from harness.running.spread.workers import Mismatch
from harness.store import Location, Store
from reference.cache import FOLDER
from suites.judging.shards import piece, run
from suites.judging.shards.piece import Done, Settings
from suites.judging.shards.run import Sharded
from suites.questions import goldens, plan
from tests.made.clusters import cluster, needs_dask
from xentbench.running import asking
from xentbench.running.asking import Request

WANTED = plan.Wanted.of(preset="smoke", on="numpy", op="logsumexp", dtype="float32", family="normal,offset")


UID = "one"
RESULT = Result(
    plan.wanted_cases(WANTED)[0],
    Target(next(one for one in frameworks.load("numpy").implementations() if one.op == "logsumexp"), "eager"),
    Unsupported("made"),
    "unjudged",
    "",
    "",
)


def request(folder):
    """Return a run that is begun in a folder's store."""
    store = Location.of(folder / "r.sqlite")
    folder.mkdir(exist_ok=True)
    with Store(store) as opened:
        opened.begin(host.new_run("smoke", UID))
    return Request(WANTED, store, UID, True, "fast", (), False, None, 60.0, 1, 1, {})


def carried_out(folder, on=None):
    """Carry a run out; return the files of its goldens and its answers."""
    asked = request(folder)
    asking.make_goldens(asked, on)
    made = {path.relative_to(folder): path.read_bytes() for path in (folder / FOLDER).rglob("*/*/*/*")}
    answered = asking.answer(asked, on)
    assert (answered.failed, answered.misused) == ({}, "")
    return made, held(asked)


def held(asked):
    """Return the answers that a store holds, in one order."""
    with Store(asked.store) as opened:
        return sorted(map(repr, opened.results(UID)))


def sharded(folder, **changes):
    """Return a run on a cluster that nothing is asked of yet."""
    asked = request(folder)
    given = {"program": workers.program(), "logs": str(folder / "logs")} | changes
    return Sharded(asked.store, WANTED, Settings(asked.uid, (), (), False, "", 60.0, 1, **given), asked.cache)


@needs_dask
def test_cluster_answers_as_processes_here_do(tmp_path, monkeypatch):
    """A worker dies with pieces in hand, and goldens and answers are those of a run here, to the last bit."""
    here = carried_out(tmp_path / "here")
    with cluster("", "") as (address, processes), executors.opened(address, 1) as on:
        cut = Sharded.run

        def killing(self, on, _):
            """Kill a worker as soon as pieces are handed out."""
            cut(self, on, lambda *_: processes[0].send_signal(signal.SIGKILL))

        monkeypatch.setattr(Sharded, "run", killing)
        there = carried_out(tmp_path / "there", on)

    assert there == here
    assert min(map(len, there)) == len(plan.wanted_cases(WANTED))


def test_parts_are_the_whole():
    """Each case is in one part alone, of a shard too."""
    shard = replace(plan.Wanted.of(preset="smoke"), shard=(2, 3))
    every, parts = plan.wanted_cases(shard), map(plan.wanted_cases, run.cut(shard, 4))

    assert every
    assert sorted(map(str, every)) == sorted(str(case) for part in parts for case in part)


def test_piece_carries_what_is_there(tmp_path):
    """A worker is given goldens, and the answers that the run holds, which it asks no more."""
    whole = sharded(tmp_path)
    for group in goldens.missing(plan.wanted_cases(WANTED), whole.cache):
        goldens.make_group(group, whole.cache)
    with Store(whole.store) as opened:
        opened.append(UID, [RESULT])
    given = whole.piece(WANTED, "numpy")
    whole.take("numpy", piece.answer(given))
    after = held(whole)

    assert len(given.goldens) == len(plan.wanted_cases(WANTED))
    assert len(after) == len(given.goldens)
    assert repr(RESULT) in after


def test_worker_of_another_program_is_refused(tmp_path):
    """A worker with another numpy, which measures otherwise, says so before it asks anything."""
    other = sharded(tmp_path, program={**workers.program(), "numpy": "0.1"}).piece(WANTED, "numpy")

    with pytest.raises(Mismatch, match=r"has numpy '.*', expected '0.1' as where the run was begun; try: "):
        piece.answer(other)
    with pytest.raises(Mismatch, match=r"has numpy '.*', expected '0.1' as where the goldens are wanted"):
        goldens.send_group([], "fast", "", other.settings.program)


def done(folder, facts=None, nothing=""):
    """Return what a worker says of a piece that it has asked a framework of such facts, or why of none."""
    whole = sharded(folder)
    with Store(whole.store) as opened:
        if facts:
            opened.append(UID, [replace(RESULT, environment=opened.add_environment(facts))])
        file = folder / "done"
        with file.open("wb") as to:
            runfile.write(opened.recorded(UID), to)
    return Done(file.read_bytes(), "", "", "", nothing)


def test_framework_of_another_version_is_refused(tmp_path):
    """Answers of another release than those that are there are not taken, nor is one that a worker has not."""
    facts = {"framework": "numpy", "device": "cpu", "numpy": "2.0"}
    whole = sharded(tmp_path / "whole")
    whole.take("numpy", done(tmp_path / "a", facts))

    with pytest.raises(Mismatch, match=r"a worker's numpy has numpy '1.0', expected '2.0' as its answers that are"):
        whole.take("numpy", done(tmp_path / "b", facts | {"numpy": "1.0"}))
    with pytest.raises(Mismatch, match=r"a worker has no numpy \(not installed\), expected it as another one has"):
        whole.take("numpy", done(tmp_path / "c", nothing="not installed"))
    assert len(held(whole)) == 1
