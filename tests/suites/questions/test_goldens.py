"""Goldens made beforehand: what is missing is made, once, and grouped so that row sums are shared."""

from concurrent.futures import Executor, Future

import pytest

from harness.model import Case, Op
from reference.arbiter import settle
from reference.cache import Cache
from suites.judging import ask
from suites.questions import cases, families, goldens


class Inline(Executor):
    """Runs each task at once, in this process, and remembers it."""

    def __init__(self):
        self.tasks, self.shut = [], None

    def submit(self, function, /, *arguments):
        """Run a task."""
        self.tasks.append(arguments)
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self, *, wait=True, cancel_futures=False):
        """Remember how it was shut down."""
        self.shut = (wait, cancel_futures)


def case(op, family="normal", *, quantity="value", classes=8):
    """Make a small case."""
    return Case(Op.of(op), quantity, family, "float32", 2, classes)


WANTED = (
    case("softmax"),
    case("softmax", quantity="grad_logits"),
    case("logsumexp"),
    case("softmax", "offset"),
    case("logsumexp", "offset", classes=4),
)


@pytest.fixture
def cache(tmp_path):
    """Return an empty cache."""
    return Cache(tmp_path / "goldens")


def files(folder):
    """Return every file below a folder with its content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(groups, tmp_path, progress=lambda *_: None):
    """Make goldens in this process; return the executor and how many were made."""
    executor = Inline()
    return executor, goldens.make(groups, Cache(tmp_path / "goldens"), executor, progress)


def test_missing_groups_by_logits(cache):
    """In an empty cache everything is missing, in order, grouped by what is drawn once."""
    assert goldens.missing(WANTED, cache) == [list(WANTED[:3]), [WANTED[3]], [WANTED[4]]]


def test_what_is_kept_is_told():
    """It is said how many of all goldens need not be made; of none that is kept, nothing."""
    assert goldens.told(WANTED, [WANTED[:3]]) == [f"2 of {len(WANTED)} goldens are those that earlier runs have made"]
    assert goldens.told(WANTED, [WANTED]) == []


def test_made_is_not_missing(cache, tmp_path):
    """What was made is not missing any more, and a second time makes no new file."""
    _, count = make(goldens.missing(WANTED, cache), tmp_path)
    made = files(tmp_path)

    assert count == len(WANTED)
    assert len(made) == len(WANTED)
    assert goldens.missing(WANTED, cache) == []
    assert make(goldens.missing(WANTED, cache), tmp_path)[1] == 0
    assert files(tmp_path) == made


def test_only_what_is_missing_is_made(cache, tmp_path):
    """With one golden lost, that one is missing."""
    make(goldens.missing(WANTED, cache), tmp_path)
    before = files(tmp_path)
    lost = min(before)
    lost.unlink()

    (group,) = goldens.missing(WANTED, cache)

    assert len(group) == 1
    make([group], tmp_path)
    assert files(tmp_path) == before


def test_kept_golden_is_the_made_one(cache, tmp_path):
    """What the suites read from the cache is what the reference computes."""
    make(goldens.missing(WANTED, cache), tmp_path)

    for one in WANTED:
        inputs = cases.inputs(one)
        kept = cache.golden(one.op, one.quantity, inputs)
        fresh = Cache(tmp_path / "other").golden(one.op, one.quantity, inputs, families.audit(one.source))
        assert (kept.hi == fresh.hi).all()
        assert (kept.lo == fresh.lo).all()
        assert kept.radius == fresh.radius


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda one, cache: goldens.make_group([one], cache), id="beforehand"),
        pytest.param(lambda one, cache: ask.asked(one, cache.golden).golden, id="when asked"),
    ],
)
def test_curated_rows_go_to_the_arbiter(cache, monkeypatch, work):
    """Whoever makes a golden hands the arbiter every row that was built to provoke, and few that chance drew."""
    counts, honest = [], settle.settle
    monkeypatch.setattr(settle, "settle", lambda *question: counts.append(len(question[3])) or honest(*question))

    work(case("softmax", "near_ties"), cache)
    assert counts == [2]

    work(Case(Op.of("softmax"), "value", "normal", "float32", 64, 8), cache)
    assert sum(counts[1:]) < 16


def test_dearest_first(tmp_path, cache):
    """The group with the most work starts first, and progress is told in cases after each."""
    told = []

    executor, _ = make(goldens.missing(WANTED[3:] + WANTED[:3], cache), tmp_path, lambda *counts: told.append(counts))

    assert [len(group) for group, _ in executor.tasks] == [3, 1, 1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (5, 5)


def test_interrupt_cancels_the_rest(cache):
    """After Ctrl-C no further golden is begun."""

    def interrupt(*_):
        raise KeyboardInterrupt

    executor = Inline()
    with pytest.raises(KeyboardInterrupt):
        goldens.make(goldens.missing(WANTED, cache), cache, executor, interrupt)

    assert executor.shut == (False, True)
