"""The gate fails when it matters, and only then: planted changes are named in the first screen, harmless ones pass."""

import dataclasses
import json
import re

import pytest

from harness.files import runfile
from harness.history.compare import compare
from harness.history.course import follow
from harness.history.state import UNANSWERED
from harness.history.verdict import of_comparison, of_run
from harness.model import Crashed, Failed, Implementation, NotRun, Target, TimedOut, Unsupported
from harness.store import Store
from reports.pages import overview
from reports.pages.overview.score import frameworks as framework_lines
from suites.speed.settling import Settling
from tests.made.front_door import invoke
from tests.made.records import JAX, NAIVE, TORCH, checked, missing, recorded, result, run, score, settled, timing
from xentbench import compare as comparing
from xentbench import summary as running
from xentbench.screen import Exit

SCREEN = 24  # lines
LOOKS = {Exit.CONFORMS: "good", Exit.NOTHING_RAN: "unknown", Exit.DEVIATES: "bad", Exit.MACHINERY: "bad"}
BEFORE, AFTER = run("20260101T", 1), run("20260102T", 2)
NEWER = {"framework": "torch", "torch": "2.13.0", "threads": "1"}
OLDER = NEWER | {"torch": "2.11.0"}
COMPILED = dataclasses.replace(TORCH, mode="compile")
COMPOSED = Target(Implementation("torch", "softmax", "torch.exp(torch.log_softmax)", "composed"), "eager")
MISUSED = Target(Implementation("torch", "softmax", "torch.softmax(probabilities)", "misuse"), "eager")
FAST, SLOW, THOUSAND = [1e-5] * 6, [1.5e-5] * 6, [1e-2] * 2


def answers(compiled=None, eager=None):
    """Make what a release answers: eight families in two modes, the first of which may be given."""
    made = []
    for target, first in ((TORCH, eager), (COMPILED, compiled)):
        made += [result(score(bits="a0"), f"f{k}", target) for k in range(1 if first else 0, 8)]
        made += [dataclasses.replace(first, target=target)] if first else []
    return made


def shown(outcome, target=NAIVE, family="f0"):
    """Make an answer that nobody judges."""
    return result(outcome, family, target, judgement="unjudged")


PLANTED = {  # before, after, fields of the later run; what the first screen names
    "a deviation in one mode": (
        answers(),
        answers(result(score(9.0, budget=None), "f0", judgement="deviates", reason="error is 3 times the bound")),
        {},
        "judged otherwise: softmax-value-f0-float32-4x8 torch.softmax@compile",
    ),
    "a policy in one mode": (
        answers(result(checked(0, "nan"), "f0", check="special.label_9", judgement="unjudged")),
        answers(result(checked(0, "error IndexError"), "f0", check="special.label_9", judgement="unjudged")),
        {},
        "policy is error IndexError, was nan",
    ),
    "bits that come apart in one mode": (
        answers(result(checked(0), "f0", check="invariance.modes")),
        answers(result(checked(0, "bits differ"), "f0", check="invariance.modes", judgement="unjudged")),
        {},
        "judged otherwise: invariance.modes:softmax-value-f0-float32-4x8 torch.softmax@compile: unjudged, was conforms",
    ),
    "an error three times as large in one mode": (
        answers(),
        answers(result(score(4.5), "f0")),
        {},
        "larger error: softmax-value-f0-float32-4x8 torch.softmax@compile",
    ),
    "a lost dtype": (
        [*answers(), *(result(family=f"f{k}", dtype="bfloat16") for k in range(3))],
        answers(),
        {},
        "lost: softmax-value-f0-bfloat16-4x8 torch.softmax@eager and 2 more like it: not asked any more",
    ),
    "a dtype that is refused": (
        answers(),
        answers(result(Unsupported("no float32"), "f0", judgement="unjudged")),
        {},
        "lost: softmax-value-f0-float32-4x8 torch.softmax@compile",
    ),
    "a framework that is missing": (
        [*answers(), result(target=JAX)],
        answers(),
        {"not_run": [missing()]},
        "lost: softmax-value-normal-float32-4x8 jax.nn.softmax@jit: not run: no jax",
    ),
    "a time x 1.5": (
        [*answers(), result(timing(*FAST), "speed")],
        [*answers(), result(timing(*SLOW), "speed")],
        {},
        "slower: softmax-value-speed-float32-4x8 torch.softmax@eager: 1.5 times as long",
    ),
    "a time x 1000 of two samples": (
        [*answers(), result(timing(*FAST[:2]), "speed")],
        [*answers(), result(timing(*THOUSAND), "speed")],
        {},
        "slower: softmax-value-speed-float32-4x8 torch.softmax@eager: 1e+03 times as long",
    ),
    "a lost shard": (answers(), answers()[:8], {"shards": ("0/2", "1/2")}, "incomplete: 1 of 2"),
    "a lost shard of the same answers": (answers(), answers(), {"shards": ("0/2", "1/2")}, "incomplete: 1 of 2"),
}
HARMLESS = {
    "nothing": (answers(), answers()),
    "other bits in one mode": (answers(), answers(result(score(bits="b1"), "f0"))),
    "an error below twice what it was": (answers(), answers(result(score(2.9), "f0"))),
    "an error below half its bound": (answers(result(score(0.1), "f0")), answers(result(score(1.5), "f0"))),
    "a smaller error": (answers(result(score(9.0), "f0")), answers()),
    "a naive form that overflows": ([*answers(), shown(score())], [*answers(), shown(score(float("inf")))]),
    "a misused function that overflows": (
        [*answers(), shown(score(), MISUSED)],
        [*answers(), shown(score(float("inf")), MISUSED)],
    ),
    "a naive form that is gone": ([*answers(), shown(score())], answers()),
    "a composed form with thrice the error": (
        [*answers(), shown(score(), COMPOSED, "g")],
        [*answers(), shown(score(4.5), COMPOSED, "g")],
    ),
    "a composed form that is refused": (
        [*answers(), shown(score(), COMPOSED, "g")],
        [*answers(), shown(Failed("raised", "no", "TypeError"), COMPOSED, "g")],
    ),
    "a larger error of the same bits, by another ruler": (answers(), answers(result(score(9.0, bits="a0"), "f0"))),
    "a question that is new": (answers(), [*answers(), result(family="new")]),
    "what was refused before and is not asked any more": (
        [*answers(), result(Unsupported("no"), "old", judgement="unjudged")],
        answers(),
    ),
    "a time within what classes of processes explain": (
        [*answers(), result(timing(*FAST[:2]), "speed")],
        [*answers(), result(timing(*SLOW[:2]), "speed")],
    ),
    "another type of error": (
        answers(result(checked(0, "error A"), "f0", check="special.label_9", judgement="unjudged")),
        answers(result(checked(0, "error B"), "f0", check="special.label_9", judgement="unjudged")),
    ),
    "a deviation as before": (
        answers(result(score(9.0, budget=None), "f0", judgement="deviates", reason="why")),
        answers(result(score(9.0, budget=None), "f0", judgement="deviates", reason="why")),
    ),
    "a deviation that is listed now": (
        answers(result(score(9.0, budget=None), "f0", judgement="deviates", reason="why")),
        answers(result(score(9.0, budget=None), "f0", judgement="known", reason="why")),
    ),
}


@pytest.fixture
def store(tmp_path):
    """Return how to make a store of a release and the next."""

    def make(before, after, not_run=(), shards=()):
        path = tmp_path / "results.sqlite"
        with Store(path) as opened:
            for made, results, facts in ((BEFORE, before, OLDER), (AFTER, after, NEWER)):
                key = opened.add_environment(facts)
                opened.join(dataclasses.replace(made, shards=shards if made is AFTER else ()))
                opened.append(made.uid, [dataclasses.replace(one, environment=key) for one in results])
            for entry in not_run:
                opened.add_not_run(AFTER.uid, entry)
        return path

    return make


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("command", ["compare", "status"])
def test_planted_change_fails_and_is_named(store, name, command):
    """What matters fails the default gate, and stands in the first screen of either command."""
    before, after, fields, named = PLANTED[name]
    path = store(before, after, **fields)

    ended = invoke(command, "--store", path)

    lines = ended.stdout.replace("\\", "").splitlines()
    assert ended.exit_code in {1, 3}
    assert any(named in line for line in lines[:SCREEN]), ended.stdout
    assert "safe to take by" not in ended.stdout
    assert re.search(r"\(exit [13]: [a-z -]+\)$", lines[-1])


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("command", ["compare", "status"])
def test_harmless_change_passes(store, name, command):
    """What promises nothing, or moves below what counts, passes."""
    ended = invoke(command, "--store", store(*HARMLESS[name]))

    assert ended.exit_code == 0, ended.stdout
    assert re.search(
        r"torch 2.11.0 -> 2.13.0: safe to take by .*\(exit 0: passes --fail-on new\)$", ended.stdout.strip()
    )


def test_readings_and_cards_are_no_difference(tmp_path):
    """A memory that reads otherwise, and the card of times that one run alone took, are no difference of two runs."""
    times = result(timing(*FAST), "speed")
    with Store(tmp_path / "results.sqlite") as opened:
        for made, results, memory in ((BEFORE, answers(), "15 GiB"), (AFTER, [*answers(), times], "16 GiB")):
            card = {"card: allocator": "glibc malloc"} if made is AFTER else {}
            plain, timed = opened.add_environment(NEWER), opened.add_environment(NEWER | card)
            opened.join(dataclasses.replace(made, host={"cores": "2", "memory": memory}))
            keyed = [dataclasses.replace(one, environment=timed if one is times else plain) for one in results]
            opened.append(made.uid, keyed)

    ended = invoke("compare", "--store", tmp_path / "results.sqlite")

    assert ended.exit_code == 0
    assert "The environments are the same." in ended.stdout


def test_other_bits_are_named_and_fail_where_asked(store):
    """Bits apart in one mode are in the first screen, and fail where any difference is to."""
    path = store(*HARMLESS["other bits in one mode"])

    ended = invoke("compare", "--store", path, "--fail-on", "any")

    screen = ended.stdout.splitlines()[:SCREEN]
    assert ended.exit_code == 1
    assert any("other bits: softmax-value-f0-float32-4x8 torch.softmax@compile" in line for line in screen)
    assert ended.stdout.splitlines()[-1] == (
        "torch 2.11.0 -> 2.13.0: safe to take by these 16 answers; 1 differs in bits, none by judgement"
        " (exit 1: fails --fail-on any)"
    )


@pytest.mark.parametrize(
    ("name", "code"), [("a deviation in one mode", 1), ("a lost dtype", 0), ("a time x 1.5", 0), ("a lost shard", 3)]
)
def test_gate_of_deviations_alone(store, name, code):
    """With --fail-on deviation judgements and policies fail alone, and a part that never came."""
    before, after, fields, _ = PLANTED[name]

    assert invoke("compare", "--store", store(before, after, **fields), "--fail-on", "deviation").exit_code == code


def test_times_that_cannot_be_told_are_counted_apart(store):
    """Few samples are said with their number, counted by themselves, and never unchanged."""
    path = store(*HARMLESS["a time within what classes of processes explain"])

    compared = invoke("compare", "--store", path).stdout
    counts = json.loads(invoke("compare", "--store", path, "--json").stdout)["counts"]

    assert {word: count for word, count in counts.items() if count} == {"cannot tell": 1, "unchanged": 16}
    assert "1 time cannot be told (2 samples)" in compared.splitlines()[-1]
    assert "## Times that cannot be told (1)" in compared


def test_changed_threads_are_named_first(store):
    """Another number of threads stands in the verdict, before the differences that it explains."""
    path = store(answers(), answers(result(score(4.5), "f0")))
    with Store(path) as opened:
        key = opened.add_environment(NEWER | {"threads": "8"})
        opened.append(AFTER.uid, [dataclasses.replace(one, environment=key) for one in opened.results(AFTER.uid)])

    ended = invoke("status", "--store", path)

    assert "torch 2.11.0 -> 2.13.0 with threads 1 -> 8: not safe to take" in ended.stdout
    assert ended.stdout.index("threads 1 -> 8") < ended.stdout.index("larger error")


@pytest.mark.parametrize("name", [*PLANTED, *HARMLESS])
def test_report_says_the_same(name):
    """The report opens with the worse of the sentences that the commands end with; its colour is their exit codes'."""
    before, after, fields, _ = PLANTED.get(name) or (*HARMLESS[name], {}, "")
    later = dataclasses.replace(AFTER, shards=fields.get("shards", ()))
    earlier = recorded(*before, run=BEFORE)
    now = recorded(*after, run=later, not_run=fields.get("not_run", ()))
    page = overview.Material(later, now.results, {}, now.not_run, before=[earlier])

    found = overview.headline(page)

    codes = [running.exit_code(now, [], broken=False), comparing.exit_code(follow([earlier, now]), "new")]
    assert found.look == LOOKS[max(codes, key=comparing.WORST.index)]
    said = [of_run(now).sentence, of_comparison(compare(earlier, now)).sentence]
    opened = said[0][:1].upper() + said[0][1:]
    assert found.sentence == (said[1] if codes[1] or not codes[0] else opened)
    assert any(sentence in found.beside for sentence in said)


ALONE = {  # results, fields of the run, what else is known of it
    "conforms": ([result()], {}),
    "known": ([result(score(9.0), judgement="known")], {}),
    "deviates": ([result(), result(score(9.0, budget=None), "f", judgement="deviates")], {}),
    "raises": ([result(), result(Failed("raised", "no"), "f", judgement="deviates")], {}),
    "crashes": ([result(), result(Crashed("SIGKILL"), "f", judgement="deviates")], {}),
    "hangs and is not judged": ([result(), result(TimedOut(3.0), "f", judgement="unjudged")], {}),
    "crashes as is known": ([result(), result(Crashed("SIGKILL"), "f", judgement="known")], {}),
    "shown alone": ([shown(score())], {}),
    "unsupported alone": ([result(Unsupported("no"), judgement="unjudged")], {}),
    "timed alone": ([result(timing(*FAST), judgement="unjudged")], {}),
    "nothing": ([], {}),
    "not run": ([result()], {"not_run": [missing()]}),
    "gave up": ([result()], {"not_run": [NotRun("torch", "", "", f"{UNANSWERED}1 of 4 questions answered")]}),
    "unfinished": ([result()], {"run": dataclasses.replace(AFTER, finished=None)}),
    "a part": ([result()], {"run": dataclasses.replace(AFTER, shards=("0/2", "1/2"))}),
}
UNSAID = {"a part"}  # a shard passes its own job, and is no verdict on the run


@pytest.mark.parametrize("name", ALONE)
def test_headline_of_a_run_is_its_exit_code(name):
    """What the report opens with is good where the command ends by 0, bad by 1 and 4, and neither by 3."""
    results, fields = ALONE[name]
    now = recorded(*results, **{"run": AFTER, **fields})
    page = overview.Material(now.run, now.results, {}, now.not_run)
    broken = name == "gave up"  # which the command knows of the process

    code = running.exit_code(now, [], broken=broken)

    look = overview.headline(page).look
    assert look == ("unknown" if name in UNSAID else LOOKS[code])
    assert [line.look for line in framework_lines(page) if line.framework == "torch"] in ([], [look])


def test_death_is_named_with_its_code(store):
    """A process that died is code 4, and the last line says so."""
    path = store(answers(), answers(result(Crashed("SIGKILL"), "f0", judgement="deviates", content="")))

    ended = invoke("compare", "--store", path)

    assert ended.exit_code == 4
    assert ended.stdout.splitlines()[-1].endswith("(exit 4: a process died or hung)")


def test_report_lies_beside_the_verdict(store, tmp_path):
    """With --report the page of both is written, and its path is the last line."""
    ended = invoke("compare", "--store", store(answers(), answers()), "--report", tmp_path / "report")

    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[-1] == f"report: {tmp_path / 'report' / 'index.html'}"
    assert "safe to take by these 16 answers" in (tmp_path / "report" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("times", "code", "said"),
    [
        (1.0, 0, "safe to take by these 16 answers and 3 times; none differs in bits; 2 times found the same in duels"),
        (1.5, 1, "not safe to take: 2 calls slower"),
    ],
)
def test_suspicious_times_are_settled_at_once(store, tmp_path, monkeypatch, times, code, said):
    """Duels decide, once, on times that changed or cannot be told; the run keeps what they found for the report."""
    played = []

    def play(self, suspicious):
        for before, after in suspicious:
            played.append((before, after, self.pythons))
            found = settled(after.outcome, times, uid=self.before.run.uid)
            yield dataclasses.replace(after, outcome=found)

    monkeypatch.setattr(Settling, "run", play)
    path = store(
        [*answers(), result(timing(*FAST), "wide"), result(timing(*FAST[:2]), "few"), result(timing(*FAST), "same")],
        [*answers(), result(timing(*SLOW), "wide"), result(timing(*FAST[:2]), "few"), result(timing(*FAST), "same")],
    )
    command = ("compare", "--store", path, "--settle", "--python", "old/python", "--python", "new/python")

    first, again = (invoke(*command, "--report", tmp_path).stdout.splitlines()[-2] for _ in range(2))

    assert sorted(after.case.family for _, after, _ in played) == ["few", "wide"]
    assert {pythons for *_, pythons in played} == {("old/python", "new/python")}
    assert first == again
    assert said in first
    assert first.endswith(f"(exit {code}: {'passes' if code == 0 else 'fails'} --fail-on new)")
    assert said in (tmp_path / "index.html").read_text("utf-8")
    assert invoke("compare", "--store", path).exit_code == code


def test_what_no_duel_could_settle_is_said(store, monkeypatch):
    """A duel that could not be played leaves the suspicion, and a line says why."""
    monkeypatch.setattr(Settling, "run", lambda _self, suspicious: (f"speed: {len(suspicious)} died" for _ in "1"))

    ended = invoke("compare", "--store", store(*PLANTED["a time x 1.5"][:2]), "--settle")

    assert ended.exit_code == 1
    assert ended.stderr == "not settled: speed: 1 died\n"


def test_every_run_has_its_interpreter(store):
    """Interpreters are named for all runs or for none."""
    ended = invoke("compare", "--store", store(*PLANTED["a time x 1.5"][:2]), "--settle", "--python", "old/python")

    assert ended.exit_code == 2
    assert ended.stderr == "error: --python names 1 interpreters, expected 2, one a run in their order\n"


@pytest.mark.parametrize("count", [2, 3])
def test_every_two_runs_are_settled(store, monkeypatch, count):
    """Of several runs each is played beside the one before it, and the last beside the first, by its interpreter."""
    played = []

    def play(self, suspicious):
        played.append((self.before.run.uid, self.after.run.uid, *self.pythons))
        for _, after in suspicious:
            others = after.outcome.settled
            found = settled(after.outcome, 1.5, uid=self.before.run.uid).settled
            yield dataclasses.replace(after, outcome=dataclasses.replace(after.outcome, settled=(*others, *found)))

    monkeypatch.setattr(Settling, "run", play)
    path = store([*answers(), result(timing(*FAST), "speed")], [*answers(), result(timing(*SLOW), "speed")])
    uids = [BEFORE.uid, AFTER.uid, "20260103T"][:count]
    with Store(path) as opened:
        opened.join(run("20260103T", 3))
        opened.append("20260103T", [*answers(), result(timing(*[2.5e-5] * 6), "speed")])
    pythons = [word for uid in uids for word in ("--python", f"{uid}/python")]

    ended = invoke("compare", *uids, "--store", path, "--settle", *pythons)

    pairs = [(0, 1)] if count == 2 else [(0, 1), (1, 2), (0, 2)]
    assert played == [(uids[a], uids[b], f"{uids[a]}/python", f"{uids[b]}/python") for a, b in pairs]
    assert ended.exit_code == 1
    assert "1.5 times as long (1.49 to 1.52) in a duel" in ended.stdout.replace("\\", "")


def test_settling_takes_a_run_of_the_store(store, tmp_path):
    """What duels find is kept, so that a run which is in no store is refused."""
    path = store(*PLANTED["a time x 1.5"][:2])
    with (tmp_path / "b.jsonl.gz").open("wb") as to, Store(path) as opened:
        runfile.write(dataclasses.replace(opened.recorded(AFTER.uid), run=run("another", 3)), to)

    ended = invoke("compare", BEFORE.uid, tmp_path / "b.jsonl.gz", "--store", path, "--settle")

    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: run is 'another', expected `latest` or one of the runs in ")


WORSE = answers(result(score(9.0, budget=None), "f0", judgement="deviates", reason="error is 3 times the bound"))
LISTED = """[[known]]
case = "softmax-value-f0-*"
target = "torch.softmax@compile"
reason = "logits stay below 80"
at_most = 3.0
"""


@pytest.fixture
def listed(tmp_path):
    """Return how to write a list of one's own."""

    def write(*seen):
        path = tmp_path / "accepted.toml"
        path.write_text(LISTED + (f"seen = {list(seen)}\n" if seen else ""), "utf-8")
        return path

    return write


@pytest.mark.parametrize("seen", [(), ("torch 2.13.0",)])
@pytest.mark.parametrize("command", ["compare", "status"])
def test_accepted_deviation_passes(store, listed, command, seen):
    """What a list of one's own covers, with the versions that it was seen with, is shown and fails no gate."""
    ended = invoke(command, "--store", store(answers(), WORSE), "--known", listed(*seen), "--fail-on", "any")

    assert ended.exit_code == 0
    assert (
        "safe to take by these 16 answers; none differs in bits; 1 worse and accepted (exit 0:"
        in ended.stdout.splitlines()[-1]
    )


def test_accepted_deviation_is_shown_with_its_reason(store, listed, tmp_path):
    """The comparison and the report have a table of what was accepted, with the reason, and say the same of it."""
    command = ("compare", "--store", store(answers(), WORSE), "--known", listed(), "--report", tmp_path)

    said, page = invoke(*command).stdout, (tmp_path / "index.html").read_text("utf-8")

    assert "## Worse, and accepted (1)" in said
    assert "; accepted: logits stay below 80 |" in said
    assert "safe to take by these 16 answers; none differs in bits; 1 worse and accepted" in page
    assert "logits stay below 80" in page


def test_relapse_is_news(store, listed):
    """A deviation that was gone, and is back with a version that it was not accepted with, fails the gate."""
    ended = invoke("compare", "--store", store(answers(), WORSE), "--known", listed("torch 2.9.1"))

    assert ended.exit_code == 1
    assert "not safe to take: 1 judged otherwise" in ended.stdout
    assert "; accepted with torch 2.9.1 alone" in ended.stdout


def test_worse_than_accepted_is_news(store, listed):
    """What is further off than was accepted fails the gate."""
    worse = answers(result(score(9.3, budget=None), "f0", judgement="deviates"))

    assert invoke("compare", "--store", store(answers(), worse), "--known", listed()).exit_code == 1


def test_deviation_that_stays_is_known(store, listed):
    """A deviation of both runs that is accepted is none that stays: it is known in both."""
    path = store(WORSE, WORSE)

    assert "; 1 deviates as before (exit 0" in invoke("compare", "--store", path).stdout
    assert "deviates as before" not in invoke("compare", "--store", path, "--known", listed()).stdout
    assert "16 answers: 15 conform, 1 known deviation" in invoke("status", "--store", path, "--known", listed()).stdout


def test_accepted_after_a_comparison(store, tmp_path):
    """A deviation that fails the gate is accepted by its name, and passes from then on with the versions of now."""
    path, own = store(answers(), WORSE), tmp_path / "accepted.toml"
    compare = ("compare", "--store", path, "--known", own)

    named = "softmax-value-f0-float32-4x8@torch.softmax@compile"
    accepted = invoke("accept", named, "--store", path, "--reason", "as planned", "--known", own)

    assert accepted.exit_code == 0, accepted.stderr
    assert 'seen = [\n    "torch 2.13.0",\n]' in own.read_text("utf-8")
    assert invoke(*compare).exit_code == 0
