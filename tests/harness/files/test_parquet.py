"""A run as a Parquet file: all that was stored comes back, figures are typed, and what is no whole file is refused."""

import hashlib
import io
import json
import math
import sys

import pytest

from harness.files import merge
from harness.model import Worst
from harness.store import Store, StoreError
from tests.made.records import ENVIRONMENT, EVERY, HOSTILE, ROW, missing, recorded, result, run, score, timing
from xentbench import results

pa = pytest.importorskip("pyarrow", reason="try: pip install 'xentbench[parquet]'")
pq = pytest.importorskip("pyarrow.parquet")
from harness.files import parquet  # noqa: E402 - needs what is asked for above

WHOLE = recorded(*EVERY, environments={"key": ENVIRONMENT}, not_run=[missing()])


def packed(whole=WHOLE):
    """Return a run as a file's bytes."""
    to = io.BytesIO()
    assert parquet.write(whole, to) == len(whole.results)
    return to.getvalue()


def edited(header=None, **columns):
    """Return a file with a part of its header or columns changed; a column that is None is left out."""
    table = pq.read_table(io.BytesIO(packed()))
    metadata = json.dumps(json.loads(table.schema.metadata[parquet.HEADER]) | (header or {})).encode()
    for name, change in columns.items():
        at = table.column_names.index(name)
        kept = table.remove_column(at)
        table = kept if change is None else kept.add_column(at, name, pa.array(map(change, table[name].to_pylist())))
    to = io.BytesIO()
    digest = hashlib.sha256(metadata).hexdigest()
    pq.write_table(table.replace_schema_metadata({parquet.HEADER: metadata, parquet.DIGEST: digest}), to)
    return to.getvalue()


def foreign():
    """Return another program's file."""
    to = io.BytesIO()
    pq.write_table(pa.table({"cookies": [3]}), to)
    return to.getvalue()


@pytest.fixture
def file(tmp_path):
    """Return where a file is to be made."""
    return tmp_path / "run.parquet"


def test_round_trip(file):
    """A run comes back with its environments, what was not run, and every outcome, in order."""
    file.write_bytes(packed())

    assert parquet.read(file) == WHOLE


def test_empty_run_round_trip(file):
    """A run without results is a whole file, too."""
    empty = recorded(run=run(finished=None))
    file.write_bytes(packed(empty))

    assert parquet.read(file) == empty


def test_same_run_makes_the_same_bytes():
    """Neither the time nor the order of a set is in the file."""
    assert packed() == packed()


def test_figures_are_floats():
    """Figures are columns of float64 with infinities, nans and the sign of zero; what an outcome lacks is null."""
    odd = score(math.inf, math.nan)
    zero = score(0.0, -0.0)
    table = pq.read_table(io.BytesIO(packed(recorded(*map(result, (odd, zero)), result(timing(3.0, 1.0, 9.0), "t")))))

    assert {str(table.schema.field(name).type) for name in ("max_ulp", "over_S", "seconds_median")} == {"double"}
    assert table["max_ulp"].to_pylist() == [math.inf, 0.0, None]
    assert math.isnan(table["mean_ulp"][0].as_py())
    assert math.copysign(1, table["mean_ulp"][1].as_py()) == -1
    assert table["over_S"].to_pylist() == [math.inf, 0.0, None]
    assert table["over_N"].to_pylist() == [None] * 3
    assert table["seconds_median"].to_pylist() == [None, None, 3.0]


def test_other_programs_can_ask_it(file):
    """What analysts filter on stands in columns of its own, and the run in the file's metadata."""
    file.write_bytes(packed())

    found = pq.read_table(file, filters=[("dtype", "=", "float32"), ("max_ulp", ">", 5.0)])

    assert found["family"].to_pylist() == ["normal", HOSTILE]
    assert found["worst_logits"].to_pylist() == [ROW, ROW]
    assert json.loads(found.schema.metadata[b"xentbench"])["run"]["uid"] == run().uid


def test_long_text_is_written_once():
    """Rows of logits that many results name as their worst make the file no larger than their number."""
    rows = [" ".join((seed * 7919 + k).to_bytes(8).hex() for k in range(500)) for seed in range(300)]

    def size(times):
        worst = [Worst((0,), row, "", "", "1", "1", "1", 1.0) for row in rows]
        every = [result(score(worst=one), seed=seed) for seed in range(times) for one in worst]
        return len(packed(recorded(*every)))

    assert size(4) < 1.2 * size(1)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_file_is_refused(file, part):
    """A file cut anywhere is refused with its name and what to try."""
    whole = packed()
    file.write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(StoreError, match=rf"run file is {file} \(.+\), expected a whole .*; try: .* --format parquet"):
        parquet.read(file)


def test_damage_is_seen(file):
    """A bit that is changed anywhere makes the file none, or changes nothing that is read."""
    whole, refused = packed(), 0
    for place in range(0, len(whole), 37):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert parquet.read(file) == WHOLE
        except StoreError:
            refused += 1

    assert refused > len(whole) / 37 / 4


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"implementation,max_ulp\n" * 9, "not a parquet file", id="text"),
        pytest.param(foreign(), "another program's file", id="foreign"),
        pytest.param(edited({"version": 2}), "version 2, this program reads 1", id="newer"),
        pytest.param(edited({"run": {"uid": 3}}), "run's uid is 3, expected a text", id="header"),
        pytest.param(edited({"environments": [1]}), "environments is [1], expected values by name", id="environments"),
        pytest.param(edited(facts=None), "facts", id="without-facts"),
        pytest.param(edited(facts=lambda _: "{"), "is no JSON", id="facts-no-json"),
        pytest.param(edited(facts=lambda _: '{"max_ulp": 1}'), "not as written", id="facts"),
        pytest.param(edited(worst_logits=lambda _: None), "not as written", id="no-text"),
        pytest.param(edited(dtype=lambda _: "int8"), "dtype is 'int8', expected one of", id="dtype"),
        pytest.param(edited(judgement=lambda _: HOSTILE), "result's judgement is '<script>", id="judgement"),
        pytest.param(edited(rows=str), "case's rows is '4', expected a whole number", id="text-for-a-number"),
    ],
)
def test_file_that_is_none_is_refused(file, content, why):
    """What is no file of ours, or one of a newer version, is refused with the reason."""
    file.write_bytes(content)

    with pytest.raises(StoreError) as caught:
        parquet.read(file)
    assert why in str(caught.value)


def test_file_that_is_not_there_is_refused(file):
    """A file that cannot be opened is refused like any other."""
    with pytest.raises(StoreError, match="No such file"):
        parquet.read(file)


def test_import_loses_nothing(file, tmp_path):
    """A file is merged into a store, twice with nothing doubled; a bad one leaves the store as it was."""
    with Store(tmp_path / "results.sqlite") as store:
        key = store.add_environment(ENVIRONMENT)
        whole = recorded(result(environment=key), environments={key: ENVIRONMENT})
        file.write_bytes(packed(whole))
        merged = [merge.merge(store, file)[0].added for _ in range(2)]
        file.write_bytes(packed()[:-9])
        with pytest.raises(StoreError, match="expected a whole run file"):
            merge.merge(store, file)

        assert merged == [1, 0]
        assert store.recorded("latest") == whole


def test_missing_package_is_named(file, monkeypatch):
    """Without pyarrow, writing and reading say which extra brings it."""
    file.write_bytes(packed())
    monkeypatch.delitem(sys.modules, "harness.files.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    for use in (lambda: results.PACKED["parquet"](WHOLE, io.BytesIO()), lambda: list(merge.runs(file))):
        with pytest.raises(StoreError, match=r"pyarrow.*; try: pip install 'xentbench\[parquet\]'"):
            use()
