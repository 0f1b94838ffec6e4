"""The published test vectors: complete, right, the same at every export; and damage to them is found and named."""

import importlib.util
import json
import math
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.model import DTYPES, FORMATS, Case, Implementation, Inputs, Op, Result, Run, Score, Target, Worst
from harness.ops import APART, OPS
from harness.store import Store
from reference import limits, rounding, tiers
from reference import vectors as form
from reference.arbiter import settle
from reference.arbiter.ball import Ball
from reference.options import meaning
from reference.question import Question
from reference.vectors import Malformed, Value, packaged, read, truth
from suites.vectors import choice, flags, verify, worst
from tests.made.exactly import rounded
from tests.made.questions import EVERY
from xentbench.golden import app

ROOT = Path(__file__).parents[3]
FILES = {path.stem: path for path in packaged()}
WITNESSES = ("mpmath", *(("arb",) if importlib.util.find_spec("flint") else ()))
MOST_BYTES = 1_000_000  # of a file
each_witness = pytest.mark.parametrize("witness", WITNESSES)
each_file = pytest.mark.parametrize("path", FILES.values(), ids=FILES)


@pytest.fixture(scope="module")
def every():
    """Return all published files."""
    return {name: read(path) for name, path in FILES.items()}


@pytest.fixture(scope="module")
def tests(every):
    """Return all published tests."""
    return [vector for file in every.values() for vector in file.vectors]


@pytest.fixture
def short(every, tmp_path):
    """Return a file of few tests: plain ones, special ones, a worst one."""
    file = every["dense_xent"]
    picked = [v for k, v in enumerate(file.vectors) if k % 60 == 0 or "NegativeInfinity" in v.flags]
    path = tmp_path / "dense_xent.jsonl"
    form.write(path, replace(file, vectors=tuple(picked), notes=choice.notes_for(picked)))
    return path


def command(*arguments):
    """Run `xentbench golden`; return its code and all it said."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.output


def test_every_question_is_there_in_every_dtype(tests):
    """Each op and quantity stands in the files in all four formats."""
    asked = {(v.question.op, v.question.quantity, v.question.dtype) for v in tests}

    apart = [(op, quantity) for op, quantities in APART.items() if not op.params for quantity in quantities]
    alone = {(op, quantity, dtype) for op, quantity, dtype in asked if not OPS[op.name].linear}
    assert alone == {(op, quantity, dtype) for op, quantity in (*EVERY, *apart) for dtype in DTYPES}


def test_linear_questions_are_there_in_every_dtype(tests):
    """Value and gradients stand there with and without a bias, with some rows ignored, and with all of them."""
    asked = [v.question for v in tests if v.question.op.name == "linear_xent"]
    plain, biased = Op.of("linear_xent"), Op.of("linear_xent", bias=True)
    padded = Op.of("linear_xent", ignore_index=-100)
    quantities = OPS["linear_xent"].quantities

    assert {(q.op, q.quantity, q.dtype, sum(q.live)) for q in asked if q.classes > 1} == {
        (op, quantity, dtype, live)
        for op, lives, more in ((plain, (3,), ()), (biased, (3,), ("grad_bias",)), (padded, (0, 1), ()))
        for live in lives
        for quantity in (*quantities, *more)
        for dtype in DTYPES
    }


def test_linear_questions_of_soft_labels_are_there_in_every_dtype(tests):
    """Of labels that are probabilities too, with a bias and without; each row of them adds up to 1."""
    asked = [v.question for v in tests if v.question.op.name == "linear_dense_xent"]
    gradients = OPS["linear_dense_xent"].quantities

    assert {(bool(q.bias), q.quantity, q.dtype) for q in asked} == {
        *((False, quantity, dtype) for quantity in gradients for dtype in DTYPES),
        *((True, quantity, dtype) for quantity in (*gradients, "grad_bias") for dtype in DTYPES),
    }
    assert all(len(q.labels) == q.rows * q.classes and sum(q.labels) == q.rows == sum(q.live) for q in asked)


def test_every_flag_and_family_has_tests(tests):
    """No note is left without a test, and a few thousand tests are there, known worst rows among them."""
    counts = Counter(flag for v in tests for flag in v.flags)

    assert set(counts) == set(flags.notes())
    assert 2_000 < len(tests) < 6_000
    assert counts["KnownWorst"] > 300


@each_file
def test_file_is_of_a_size_to_commit(path):
    """A file stays below a megabyte."""
    assert path.stat().st_size <= MOST_BYTES


def test_an_export_gives_the_published_tests_again(tmp_path):
    """Exporting writes the published files, byte by byte but for a header, which may name other versions."""
    folder = tmp_path / "again"

    assert command("export", folder)[0] == 0
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [*(p.name for p in packaged()), "README.md", "schema.json"]
    )
    for path in packaged():
        assert (folder / path.name).read_bytes().split(b"\n")[1:] == path.read_bytes().split(b"\n")[1:]


@each_witness
@pytest.mark.parametrize(
    "name", ["sigmoid", "logsumexp", "sparse_xent", "binary_prob_xent", "linear_xent", "linear_dense_xent"]
)
def test_published_files_are_confirmed(name, witness):
    """A witness finds nothing wrong with a published file."""
    found = verify.check(FILES[name], verify.witness(witness))

    assert found.problems == []
    assert found.values > found.tests > 60


@each_file
def test_patterns_are_those_of_exact_arithmetic(path):
    """Every pattern is hi + lo rounded by fractions; where that sum is itself a tie, the pattern is hi's."""
    wrong = []
    for vector in read(path).vectors:
        for value in vector.out:
            if not math.isfinite(value.hi) or value.e2 < -10_000:
                continue
            # hi and a nudge towards lo round as the exact value does; see README.md.
            nudge = Fraction((value.lo > 0) - (value.lo < 0), 2**1200)
            exact = (Fraction(value.hi) + nudge * Fraction(abs(value.hi) or 1)) * Fraction(2) ** value.e2
            for name in {"float64", vector.question.dtype}:
                expected = rounding.bits(np.array([rounded(exact, FORMATS[name])]), FORMATS[name])[0]
                if int(value.cr[form.SHORT_NAMES[name]], 16) not in {int(expected), _minus_zero(value, expected, name)}:
                    wrong.append((vector.id, name))

    assert wrong == []


def _minus_zero(value, expected, name):
    """A negative value that rounds to zero keeps its sign, which a Fraction has no room for."""
    width = 4 * form.WIDTHS[form.SHORT_NAMES[name]]
    return 1 << (width - 1) if value.hi < 0 and int(expected) == 0 else int(expected)


def test_answers_are_the_goldens(tests):
    """What is published agrees with the goldens of the harness to within their radius."""
    apart = []
    for v in tests[::40]:
        asked = v.question
        if limits.is_special(asked) or asked.mean or OPS[asked.op.name].linear:
            continue
        per_row = OPS[asked.op.name].one_a_row
        labels = np.array(asked.labels)
        ups = np.array(asked.upstream or (1.0,) * (1 if per_row else asked.classes))
        inputs = Inputs(
            np.array([asked.logits]),
            None if not asked.labels else labels.astype(int) if asked.op.name == "sparse_xent" else labels[None, :],
            ups if per_row else ups[None, :],
        )
        certified = settle.certify(asked.op, asked.quantity, inputs)
        flat = [certified.hi.ravel(), certified.lo.ravel()]
        powers = np.zeros(flat[0].shape, int) if certified.exponent is None else certified.exponent.ravel()
        for k, value in enumerate(v.out):
            j = asked.at[k] if asked.at else k
            if value.e2 < -10_000:
                continue
            theirs = (Fraction(flat[0][j]) + Fraction(flat[1][j])) * Fraction(2) ** int(powers[j])
            ours = (Fraction(value.hi) + Fraction(value.lo)) * Fraction(2) ** value.e2
            if abs(ours - theirs) > Fraction(2) ** -100 * abs(ours):
                apart.append(v.id)

    assert apart == []


def _indices(asked):
    """Return class indices as a framework takes them."""
    return np.array(asked.labels).astype(int)


def test_linear_answers_are_the_goldens(tests):
    """What is published of linear ops agrees with the goldens that both tiers make, and ignored rows are 0."""
    apart = []
    for v in [v for v in tests if OPS[v.question.op.name].linear and v.question.dtype == "bfloat16"]:
        asked = v.question
        inputs = Inputs(
            np.reshape(asked.logits, (asked.rows, -1)),
            np.reshape(asked.labels, (asked.rows, -1)) if OPS[asked.op.name].labels == "row" else _indices(asked),
            np.array(asked.upstream or (1.0,) * asked.rows),
            weight=np.reshape(asked.weight, (asked.classes, -1)),
            bias=np.array(asked.bias) if asked.bias else None,
        )
        golden = meaning.golden(
            asked.op, asked.quantity, inputs, lambda op, quantity, given: tiers.certify(op, quantity, given, 0.0)
        )
        powers = 0 if golden.exponent is None else golden.exponent
        flat = (np.broadcast_to(part, golden.hi.shape).ravel() for part in (golden.hi, golden.lo, powers))
        for value, hi, lo, power in zip(v.out, *flat, strict=True):
            theirs = (Fraction(hi) + Fraction(lo)) * Fraction(2) ** int(power)
            ours = (Fraction(value.hi) + Fraction(value.lo)) * Fraction(2) ** value.e2
            if abs(ours - theirs) > Fraction(golden.radius) * abs(ours):
                apart.append(v.id)

    assert apart == []


@pytest.mark.parametrize("text", ["0x1p+0", "-0x1.8p-3", "0x0p+0", "-0x0p+0", "0x0.0000000000001p-1022", "inf", "-inf"])
def test_hex_floats_have_one_spelling(text):
    """A number is read and written back as it was."""
    assert form.to_hex(form.from_hex(text)) == text


@pytest.mark.parametrize("text", ["1.5", "0x1.80p-3", "0x1.8p-03", "0X1P0", "0x3p+0", "", "infinity", None, 1.5])
def test_other_spellings_are_refused(text):
    """A number in another spelling is no vector's."""
    with pytest.raises(Malformed, match="expected a hex float"):
        form.from_hex(text)


@pytest.mark.parametrize(
    ("ball", "expected"),
    [
        pytest.param(Ball((0, 0, 0, 0)), Value(0.0, 0.0, 0, None), id="zero"),
        pytest.param(Ball((0, 1, 0, 1)), Value(1.0, 0.0, 0, None), id="one"),
        pytest.param(Ball((1, 3, 700, 2)), Value(-1.5, 0.0, 701, None), id="large"),
        pytest.param(Ball((0, 2**53 + 1, -53, 54)), Value(1.0, 2.0**-53, 0, None), id="tie to even"),
        pytest.param(
            Ball((0, 2**53 + 1, -53, 54), -900, 1), Value(1 + 2.0**-52, -(2.0**-53), 0, -106), id="above a tie"
        ),
        pytest.param(Ball((0, 1, 0, 1), -900, -1), Value(1.0, -(2.0**-400), 0, -400), id="just below one"),
        pytest.param(Ball((0, 1, 0, 1), -120), None, id="side unknown"),
        pytest.param(Ball((0, 1, 0, 1), -20), None, id="wide"),
        pytest.param(Ball((1, 1, -(2**40), 1)), Value(-1.0, 0.0, truth.DEEPEST, 0), id="deep"),
    ],
)
def test_settled_by_hand(ball, expected):
    """hi is the nearest number of 53 bits and lo the rest; what cannot be told is left open."""
    assert truth.settle(ball) == expected


def test_minus_zero_is_asked_beside_zero(tests):
    """A row of zeros and one of minus zeros are two tests, although they compare equal."""
    rows = [v.id for v in tests if v.question == Question(Op.of("softmax"), "value", "float32", (0.0,) * 3)]

    assert len(rows) == 2


BIG = 2.0**60


@pytest.mark.parametrize("case", range(3))
def test_limits_are_approached(tests, case):
    """Where the infinite logits are replaced by large ones, the answers come near the recorded limits."""
    off = []
    for v in [v for v in tests if limits.is_special(v.question)][case::3]:
        asked = v.question
        if any(map(math.isnan, asked.logits)) or v.result == "acceptable":
            continue
        near = replace(asked, logits=tuple(math.copysign(BIG, x) if math.isinf(x) else x for x in asked.logits))
        tops = asked.logits.count(math.inf)
        for found, recorded in zip(truth.values(near), v.out, strict=True):
            size = math.ldexp(found.hi, max(found.e2, -2000))
            if math.isinf(recorded.hi):
                good = size * math.copysign(1, recorded.hi) > BIG / 64
            else:
                good = abs(size - math.ldexp(recorded.hi, recorded.e2)) <= 1e-12 or tops > 1
            if not good:
                off.append((v.id, size, recorded.hi))

    assert off == []


@pytest.mark.parametrize(
    ("name", "quantity", "x", "labels", "upstream", "expected"),
    [
        ("softmax", "value", (0.0, -math.inf), (), (), (1.0, 0.0)),
        ("softmax", "value", (0.0, math.inf), (), (), (0.0, 1.0)),
        ("log_softmax", "value", (math.inf, 3.0), (), (), (0.0, -math.inf)),
        ("logsumexp", "value", (-math.inf, -math.inf), (), (), (-math.inf,)),
        ("logsumexp", "value", (math.inf, math.inf), (), (), (math.inf,)),
        ("sparse_xent", "value", (0.0, -math.inf), (1.0,), (), (math.inf,)),
        ("sparse_xent", "grad_logits", (0.0, -math.inf), (1.0,), (0.5,), (0.5, -0.5)),
        ("dense_xent", "value", (0.0, -math.inf), (1.0, 0.0), (), (0.0,)),
        ("dense_xent", "grad_labels", (0.0, math.inf), (1.0, 0.0), (-0.5,), (-math.inf, 0.0)),
        ("sigmoid_xent", "value", (math.inf, -math.inf), (1.0, 1.0), (), (0.0, math.inf)),
        ("log_sigmoid", "grad_logits", (-math.inf,), (), (2.0,), (2.0,)),
    ],
)
def test_limits_by_hand(name, quantity, x, labels, upstream, expected):
    """Infinite logits are answered as worked out on paper."""
    out, verdict = choice.answers(Question(Op.of(name), quantity, "float32", x, labels, upstream))

    assert tuple(value.hi for value in out) == expected
    assert verdict == "valid"


def tamper(path, edit, *, rehash, line=0):
    """Edit a test of a file; the hash follows where asked, as a careful vandal would do it."""
    header, *lines = path.read_text().splitlines()
    fields = json.loads(lines[line])
    edit(fields)
    lines[line] = json.dumps(fields, separators=(",", ":"))
    if rehash:
        header = json.dumps(json.loads(header) | {"sha256": form.digest(lines)}, separators=(",", ":"))
    path.write_text("\n".join([header, *lines]) + "\n")
    return fields["id"]


def flipped(text):
    """Flip the last bit of a hex float's mantissa."""
    value = np.array([float.fromhex(text)])
    return form.to_hex(float((value.view(np.uint64) ^ np.uint64(1)).view(np.float64)[0]))


def set_out(name):
    """Return an edit that flips the last bit of hi or lo."""
    return lambda fields: fields["out"][0].update({name: flipped(fields["out"][0][name])})


def flip_pattern(fields):
    """Flip the last bit of a pattern."""
    patterns = fields["out"][0]["cr"]
    patterns["f64"] = f"{int(patterns['f64'], 16) ^ 1:016x}"


def flip_input(fields):
    """Add one unit in the last place of the input's format to a logit."""
    bits = FORMATS[fields["dtype_in"]].precision
    mantissa, exponent = math.frexp(float.fromhex(fields["x"][0]))
    fields["x"][0] = form.to_hex(math.ldexp(mantissa + 2.0**-bits * (1 if mantissa > 0 else -1), exponent))


DAMAGE = {
    "hi": set_out("hi"),
    "lo": set_out("lo"),
    "cr": flip_pattern,
    "x": flip_input,
    "rad": lambda fields: fields["out"][0].update(rad=-50),
    "e2": lambda fields: fields["out"][0].update(e2=1),
    "flags": lambda fields: fields["flags"].reverse() if len(fields["flags"]) > 1 else fields.update(flags=["Normal"]),
    "label": lambda fields: fields["labels"].reverse(),
    "result": lambda fields: fields.update(result="acceptable"),
    "family": lambda fields: fields.update(family="swamp"),
}


@each_witness
@pytest.mark.parametrize("rehash", [False, True], ids=["hash kept", "hash made anew"])
@pytest.mark.parametrize("edit", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_named(short, edit, rehash, witness):
    """A single wrong bit, flag or label is reported with the test's id, even under a new hash."""
    named = tamper(short, edit, rehash=rehash, line=1)
    code, said = command("verify", short, "--witness", witness)

    assert code == 1
    assert named in said
    assert ", expected " in said


LINEAR_DAMAGE = {
    "weight": lambda fields: fields["weight"].reverse(),
    "a weight cut short": lambda fields: fields["weight"].pop(),
    "bias": lambda fields: fields["bias"].reverse(),
    "no bias": lambda fields: fields.pop("bias"),
    "label": lambda fields: fields["label"].reverse(),
    "a label of no class": lambda fields: fields["label"].__setitem__(0, 99),
    "label ignored": lambda fields: fields["label"].__setitem__(0, -100),
    "upstream": lambda fields: fields["upstream"].reverse(),
    "hi": set_out("hi"),
    "lo": set_out("lo"),
}


@each_witness
@pytest.mark.parametrize("edit", LINEAR_DAMAGE.values(), ids=LINEAR_DAMAGE)
def test_damage_to_a_linear_test_is_found(every, tmp_path, edit, witness):
    """A changed weight, bias or label of a linear op is reported with the test's id, even under a new hash."""
    file = every["linear_xent"]
    biased = [v for v in file.vectors if v.question.bias and v.question.quantity == "grad_weight"]
    path = tmp_path / "linear_xent.jsonl"
    form.write(path, replace(file, vectors=tuple(biased[:2]), notes=choice.notes_for(biased[:2])))
    named = tamper(path, edit, rehash=True)
    code, said = command("verify", path, "--witness", witness)

    assert code == 1
    assert named in said
    assert ", expected " in said


def test_a_dropped_line_is_found(short):
    """A test that is gone breaks the hash, and both hashes are told."""
    lines = short.read_text().splitlines()
    short.write_text("\n".join([*lines[:2], *lines[3:]]) + "\n")
    code, said = command("verify", short)

    assert code == 1
    assert "sha256 of the test lines" in said


def test_swapped_flags_are_found(short):
    """Two tests that have each other's flags are both named."""
    header, *lines = short.read_text().splitlines()
    tests = [json.loads(line) for line in lines]
    other = next(k for k, test in enumerate(tests) if test["flags"] != tests[0]["flags"])
    tests[0]["flags"], tests[other]["flags"] = tests[other]["flags"], tests[0]["flags"]
    lines = [json.dumps(test, separators=(",", ":")) for test in tests]
    header = json.dumps(json.loads(header) | {"sha256": form.digest(lines)}, separators=(",", ":"))
    short.write_text("\n".join([header, *lines]) + "\n")
    code, said = command("verify", short)

    assert code == 1
    assert tests[0]["id"] in said
    assert tests[other]["id"] in said


MALFORMED = {
    "no JSON": lambda header, lines: (header, ["{", *lines]),
    "no object": lambda header, lines: (header, ["3", *lines]),
    "field missing": lambda header, lines: (header, [lines[0].replace('"family"', '"familiar"'), *lines[1:]]),
    "twice": lambda header, lines: (header, [lines[0], *lines]),
    "spaces": lambda header, lines: (header, [lines[0].replace(",", ", ", 1), *lines[1:]]),
    "schema": lambda header, lines: (header.replace("vectors/1", "vectors/2"), lines),
    "note": lambda header, lines: (header.replace('"effect"', '"affect"', 1), lines),
    "too few outputs": lambda header, lines: (header, [_without_output(lines[1]), *lines[1:]]),
    "no rows": lambda header, lines: (header, [lines[0].replace('"x":', '"rows":0,"x":'), *lines[1:]]),
    "huge": lambda header, lines: (header, [lines[0].replace('"hi":"', '"hi":"0x1p+99999","hi":"0x1p+9999'), *lines]),
    "empty": lambda header, lines: ("", []),  # noqa: ARG005 - an edit's shape
}


def _without_output(line):
    fields = json.loads(line)
    return json.dumps(fields | {"out": []}, separators=(",", ":"))


@pytest.mark.parametrize("edit", MALFORMED.values(), ids=MALFORMED)
def test_malformed_file_is_refused(short, edit):
    """A file that is no set of vectors is told by name, with what was expected."""
    header, *lines = short.read_text().splitlines()
    header, lines = edit(header, lines)
    short.write_text("\n".join([header, *lines]) + "\n")
    code, said = command("verify", short)

    assert code == 1
    assert f"{short.name}: " in said
    assert "expected" in said


def test_schema_allows_what_is_published(short):
    """jsonschema finds nothing wrong, and does find an unknown field and a number in decimal."""
    pytest.importorskip("jsonschema")
    validator = verify.schema_validator()
    clean = list(verify.schema_problems(short, validator))
    tamper(short, lambda fields: fields.update(x=["1.5"], extra=1), rehash=False)
    dirty = list(verify.schema_problems(short, validator))

    assert clean == []
    assert len(dirty) >= 2


def test_missing_jsonschema_is_told(short, monkeypatch):
    """Without jsonschema the own checks of form stand in, and the output says so."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, said = command("verify", short)

    assert code == 0
    assert "jsonschema is not installed" in said


def test_missing_flint_is_told(short, monkeypatch):
    """Without python-flint the second witness is refused with what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, said = command("verify", short, "--witness", "arb")

    assert code == 2
    assert "pip install xentbench[witness]" in said


def test_unknown_witness_is_refused(short):
    """Another witness than the two is an error of use that lists both."""
    code, said = command("verify", short, "--witness", "oracle")

    assert code == 2
    assert "expected one of mpmath, arb" in said


def test_missing_file_is_refused(tmp_path):
    """A file that is not there is an error of use."""
    code, said = command("verify", tmp_path / "none.jsonl")

    assert code == 2
    assert "none.jsonl" in said


@pytest.mark.parametrize("flag", ["NearZeroLog", "NegativeInfinity", "KnownWorst", "Published", "RoundsToZero"])
def test_show_prints_a_test_for_people(tests, flag):
    """A test is shown with its inputs, its exact value, all roundings and its flags' notes."""
    vector = next(v for v in tests if flag in v.flags)
    code, said = command("show", vector.id)

    assert code == 0
    assert vector.id in said
    assert flags.notes()[flag]["description"] in said
    assert all(value.cr["f64"] in said for value in vector.out)


def test_show_prints_thirty_digits(short):
    """The exact value of log 2 stands there to thirty digits."""
    assert command("show", "logsumexp-value-all_equal-f32-n2-00")[1].count("0.693147180559945309417232121458") == 1
    assert short.exists()


def test_unknown_id_names_near_ones():
    """An id that is not there is answered with some that are."""
    code, said = command("show", "softmax-value-normal-f32-n5-99")

    assert code == 2
    assert "softmax-value-normal-f32-n5-00" in said


def test_export_needs_the_store_it_is_told_of(tmp_path):
    """A store that is not there is an error of use, and none is made."""
    code, said = command("export", tmp_path / "out", "--worst-from", tmp_path / "no.sqlite")

    assert code == 2
    assert "no.sqlite" in said
    assert list(tmp_path.iterdir()) == []


def result_of(case, kind, ulp, index, logits, upstream=""):
    """Return a stored answer whose worst element is the one given."""
    element = Worst(index, logits, "", upstream, "0", "0x0p+0", "0x0p+0", ulp)
    target = Target(Implementation("torch", case.op.name, f"torch.{kind}", kind), "eager")
    return Result(case, target, Score(4, abs(ulp), 0.0, 0.0, {"S": 0.5}, "S", {}, element), "conforms")


def test_worst_rows_are_taken_from_a_store(tmp_path):
    """The furthest fused answer of each kind becomes a question; of an elementwise op one point remains."""
    softmax = Case(Op.of("softmax"), "value", "normal", "float32", 2, 2)
    sigmoid = Case(Op.of("sigmoid"), "grad_logits", "normal", "float32", 2, 2)
    path = tmp_path / "results.sqlite"
    with Store(path) as store:
        store.begin(Run("one", "2026-01-01T00:00:00+00:00", None, "", "quick", {}))
        store.append("one", [result_of(softmax, "fused", -5.0, (1, 1), "0x1p+0 0x1p+1")])
        store.append("one", [result_of(softmax, "naive", 50.0, (1, 0), "0x1p+2 0x1p+1")])
        store.append("one", [result_of(sigmoid, "fused", 2.0, (0, 1), "0x1p+0 0x1p+1", "0x1p-1 0x1p-2")])
        store.append("one", [result_of(replace(sigmoid, dtype="float64"), "fused", 0.4, (0, 1), "0x1p+0 0x1p+1")])
    found = {item.question for item in worst.in_store(path)}

    assert found == {
        Question(Op.of("softmax"), "value", "float32", (1.0, 2.0), at=(1,)),
        Question(Op.of("sigmoid"), "grad_logits", "float32", (2.0,), (), (0.25,)),
    }


node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def consume(folder):
    """Run the consumer that is written in JavaScript."""
    program = ROOT / "examples" / "consume_vectors.mjs"
    return subprocess.run([shutil.which("node"), program, folder], capture_output=True, text=True, check=False)


@node
def test_another_language_reads_all_files():
    """The JavaScript consumer finds every line well formed and every pattern consistent, and prints its table."""
    done = consume(packaged()[0].parent)

    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in FILES)
    assert "KnownWorst" in done.stdout


@node
@pytest.mark.parametrize("name", ["hi", "cr", "flags"])
def test_another_language_sees_damage(short, name):
    """A wrong pattern, a hi that no longer fits it, and another hash end the consumer with 1."""
    tamper(short, DAMAGE[name], rehash=name != "flags", line=1)

    assert consume(short.parent).returncode == 1
