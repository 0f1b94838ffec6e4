"""Words of a run that came from elsewhere, on every way to a person: they are shown, and steer nothing."""

import dataclasses
import re

import pytest

from harness.model import Implementation, NotRun, Target
from harness.store import Store
from tests.made.front_door import invoke
from tests.made.records import result, run, score

EVIL = "![x](http://evil) <img src=x> | `a` \n\n# heading\n::error::broken\x1b]0;title\x07\r"
READING = (
    ("status",),
    ("compare",),
    ("table",),
    ("export", "--format", "summary"),
    ("prune", "--keep", "0"),
    ("report", "--run", "evil\n::error::broken"),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the path of a store of two runs whose every word is one that steers something."""
    path = tmp_path_factory.mktemp("words") / "results.sqlite"
    target = Target(Implementation(EVIL, "softmax", f"torch.{EVIL}", "fused"), EVIL, EVIL)
    with Store(path) as opened:
        for uid, ulp in (("a", 1.0), ("b", 9.0)):
            key = opened.add_environment({EVIL: f"{uid}{EVIL}", "framework": EVIL, "device": EVIL})
            said = {"started": EVIL, "finished": EVIL, "command": EVIL, "preset": EVIL, "host": {EVIL: f"{EVIL}{uid}"}}
            opened.join(dataclasses.replace(run(uid), **said))
            given = [
                result(score(ulp), family, target, "deviates", EVIL, environment=key, content=family)
                for family in ("normal", f"offset/{EVIL}")
            ]
            opened.append(uid, given)
            opened.add_not_run(uid, NotRun(EVIL, EVIL, EVIL, EVIL))
    return path


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_words_steer_nothing(store, words, tmp_path):
    """No image, link, heading or markup in Markdown; no command for a log and none for a terminal in any output."""
    ended = invoke(*words, *(["--report", tmp_path] if words[0] == "report" else []), "--store", store)
    said = ended.output

    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    assert "broken" in said
    assert not set("\x1b\x07\r") & set(said)
    assert not re.search(r"^(::|# heading)", said, re.MULTILINE)
    if words[0] in {"compare", "table", "export"}:
        assert "![x](" not in said
        assert "<img" not in said
