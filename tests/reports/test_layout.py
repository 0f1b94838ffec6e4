"""A page's policy names the scripts that may run, each by its hash, and no other."""

import base64
import gzip
import hashlib
import html
import re

import pytest

from harness.history import levels
from harness.store import Store
from reports import layout, site
from reports.dashboard import page as dashboard
from tests.made.records import EVERY, run


def hashed(script):
    """Return a script's hash as a policy holds it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@pytest.fixture(params=["report", "dashboard"])
def page(request, tmp_path):
    """Return a page."""
    with Store(tmp_path / "r.sqlite") as store:
        store.join(run())
        store.append(run().uid, EVERY)
        if request.param == "dashboard":
            return dashboard.render(levels.read(store))
        return site.write(store, run().uid, tmp_path).read_text("utf-8")


def test_each_script_is_named_and_no_other(page):
    """The scripts that stand in a page, and the libraries packed in it, are all that may run."""
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    packed = re.findall(r'<script type="text/plain" id="library-[^"]*">(.*?)</script>', page, re.DOTALL)
    libraries = [gzip.decompress(base64.b64decode(text)).decode() for text in packed]

    (named,) = re.findall(r"script-src ([^;]*);", policy)
    assert set(named.split()) == set(map(hashed, inline + libraries))
    assert len(inline) == 2
    assert " on" not in "".join(re.findall(r"<\w+( on\w+)=", page))


def test_hash_is_of_the_published_example():
    """The hash of the specification's own example, an alert, is as printed there."""
    assert layout._hashed("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
