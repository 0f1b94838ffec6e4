"""A run as a file: all that was stored comes back, and what is no whole run file of this version is refused."""

import gzip
import io
import json

import pytest

from harness.files import runfile
from harness.store import StoreError
from tests.made.records import ENVIRONMENT, EVERY, HOSTILE, ROW, missing, recorded, run

WHOLE = recorded(*EVERY, environments={"key": ENVIRONMENT}, not_run=[missing()])


def packed(whole=WHOLE):
    """Return a run as a file's bytes."""
    to = io.BytesIO()
    assert runfile.write(whole, to) == len(whole.results)
    return to.getvalue()


def edited(edit):
    """Return a run file with its lines, as objects, changed."""
    lines = [json.loads(line) for line in gzip.decompress(packed()).splitlines()]
    return gzip.compress("".join(json.dumps(line) + "\n" for line in edit(lines) or lines).encode())


def first(**fields):
    """Return an edit that changes fields of the header."""
    return edited(lambda lines: lines[0].update(fields))


def of_run(**fields):
    """Return a run file that says something else of its run."""
    return edited(lambda lines: lines[0]["run"].update(fields))


def last(path, value):
    """Return an edit that changes a field of the last result, by its path."""

    def edit(lines):
        at = lines[-2]
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value

    return edited(edit)


@pytest.fixture
def file(tmp_path):
    """Return where a run file is to be made."""
    return tmp_path / "run.jsonl.gz"


def test_round_trip(file):
    """A run comes back with its environments, what was not run, and every outcome."""
    file.write_bytes(packed())

    assert runfile.read(file) == WHOLE


def test_empty_run_round_trip(file):
    """A run without results is a whole file, too."""
    file.write_bytes(packed(recorded(run=run(finished=None))))

    assert runfile.read(file) == recorded(run=run(finished=None))


def test_parts_come_back(file):
    """A part of a run says which it is; a whole run has no such field, so that an older program reads it."""
    part = recorded(run=run(shards=("0/2", "1/2")))
    file.write_bytes(packed(part))

    assert runfile.read(file) == part
    assert b"shards" not in gzip.decompress(packed())


def test_notes_come_back(file):
    """What was said of a run comes back, and is no field of the run, because an older program knows none such."""
    told = recorded(run=run(notes=("torch: 2 of 3", "goldens")))
    file.write_bytes(packed(told))

    assert runfile.read(file) == told
    assert "notes" not in json.loads(gzip.decompress(packed(told)).splitlines()[0])["run"]
    assert b"notes" not in gzip.decompress(packed())


def test_same_run_makes_the_same_bytes():
    """Neither the time, nor a name, nor the order of a set is in the file."""
    assert packed() == packed()
    assert [next(iter(json.loads(line))) for line in gzip.decompress(packed()).splitlines()[:4]] == [
        *("format", "text", "text", "case")
    ]


def test_long_text_is_written_once():
    """A row of logits that two results name as their worst is in the file once, before them."""
    lines = gzip.decompress(packed()).decode().splitlines()

    assert sum(ROW in line for line in lines) == 1
    assert ROW in lines[1]


def test_lines_are_strict_json():
    """No line holds a constant that strict JSON has not."""

    def refuse(name):
        raise AssertionError(name)

    for line in gzip.decompress(packed()).splitlines():
        json.loads(line, parse_constant=refuse)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_file_is_refused(file, part):
    """A file cut anywhere is refused with its name and what to try."""
    whole = packed()
    file.write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(StoreError, match=rf"run file is {file} \(.+\), expected a whole run file, version 1; try: "):
        runfile.read(file)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"implementation,max_ulp\n", "truncated or damaged", id="text"),
        pytest.param(gzip.compress(b"\xff\xfe\x00"), "a line is no JSON", id="binary"),
        pytest.param(gzip.compress(b"implementation,max_ulp\n"), "a line is no JSON", id="csv"),
        pytest.param(gzip.compress(b"[1, 2]\n"), "a line is no JSON object", id="list"),
        pytest.param(gzip.compress(b'{"cookies": 3}\n'), "another program's file", id="foreign"),
        pytest.param(gzip.compress(b""), "another program's file", id="empty"),
        pytest.param(first(version=2), "version 2, this program reads 1", id="newer"),
        pytest.param(first(run={"uid": 3}), "run's uid is 3, expected a text", id="header"),
        pytest.param(
            edited(lambda lines: lines[0]["run"].update(shards=["one"])), "a part of the run is 'one'", id="shard"
        ),
        pytest.param(first(environments=[1]), "environments is [1], expected values by name", id="environments"),
        pytest.param(first(version=True), "version True, this program reads 1", id="version-true"),
        pytest.param(first(version=1.0), "version 1.0, this program reads 1", id="version-float"),
        pytest.param(of_run(uid=""), "a run's id is '', expected", id="no-id"),
        pytest.param(of_run(uid="latest~1"), "a run's id is 'latest~1', expected", id="latest"),
        pytest.param(of_run(uid="a" * 10_000), "a run's id is 'aaa", id="long-id"),
        pytest.param(of_run(uid="a\n::error::b"), "a run's id is 'a\\n::error::b'", id="id-of-two-lines"),
        pytest.param(of_run(started="zzzz"), "started is 'zzzz', expected UTC", id="no-time"),
        pytest.param(of_run(started="2026-02-30T00:00:00+00:00"), "expected UTC", id="no-day"),
        pytest.param(
            of_run(finished="2026-01-01T00:00:00"), "finished is '2026-01-01T00:00:00', expected UTC", id="naive"
        ),
        pytest.param(of_run(host={"cores": 2}), "run's host is 2, expected a text", id="host"),
        pytest.param(
            first(not_run=[{"framework": "a", "mode": "", "device": "", "reason": 7}]), "reason is 7", id="not-run"
        ),
        pytest.param(edited(lambda lines: [*lines[:-1], {"end": True}]), "expected True and the end", id="end-true"),
        pytest.param(gzip.compress(b"[" * 100_000), "a line is no JSON", id="deep"),
        pytest.param(gzip.compress(bytes(1 << 26)), "it unpacks to far more than this program packs", id="zeros"),
        pytest.param(packed()[:300] + bytes(300), "truncated or damaged", id="zlib"),
        pytest.param(edited(lambda lines: lines[:-1]), "truncated", id="without-end"),
        pytest.param(edited(lambda lines: lines[:-2] + lines[-1:]), "7 results", id="result-lost"),
        pytest.param(edited(lambda lines: lines + lines), "and the end", id="twice"),
        pytest.param(
            edited(lambda lines: [line for line in lines if "text" not in line]),
            "expected one whose long texts are there",
            id="no-text",
        ),
        pytest.param(last(["case", "dtype"], "int8"), "dtype is 'int8', expected one of", id="dtype"),
        pytest.param(last(["judgement"], HOSTILE), "result's judgement is '<script>", id="judgement"),
        pytest.param(last(["outcome"], "guess"), "outcome is 'guess'", id="outcome"),
        pytest.param(last(["facts"], {"max_ulp": 1}), "timed out is {'max_ulp': 1}, expected seconds", id="facts"),
        pytest.param(last(["case", "more"], 1), "expected op, quantity", id="field"),
        pytest.param(last(["target"], None), "target is None, expected", id="null"),
        pytest.param(
            last(["facts"], {"seconds": "long"}), "timed out's seconds is 'long', expected a number", id="text"
        ),
        pytest.param(last(["case", "options"], {"axis": {}}), "options is {}, expected", id="options"),
        pytest.param(last(["case", "op"], 7), "op is 7, expected a text", id="op"),
        pytest.param(last(["case", "family"], "\ud800"), "case's family is '\\ud800', expected a text", id="half"),
        pytest.param(last(["case", "family"], ["a"]), "case's family is ['a'], expected a text", id="list"),
        pytest.param(last(["reason"], None), "result's reason is None, expected a text", id="no-reason"),
        pytest.param(
            last(["case", "rows"], "many"), "case's rows is 'many', expected a whole number", id="text-for-a-number"
        ),
        pytest.param(last(["case", "seed"], 1 << 63), "expected a whole number of 64 bits", id="too-large"),
    ],
)
def test_file_that_is_none_is_refused(file, content, why):
    """What is no run file, or one of a newer version, is refused with the reason."""
    file.write_bytes(content)

    with pytest.raises(StoreError) as caught:
        runfile.read(file)
    assert why in str(caught.value)


def test_file_that_is_not_there_is_refused(file):
    """A file that cannot be opened is refused like any other."""
    with pytest.raises(StoreError, match="No such file"):
        runfile.read(file)
