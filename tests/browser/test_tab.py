"""The watch over a tab sees what a report must not do."""

import pytest

from tests.browser.tab import Tab

POLICY = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; script-src 'unsafe-inline'\">"


@pytest.mark.parametrize(
    ("body", "noise"),
    [
        pytest.param("<img src='nowhere.png'>", "asked for file:///", id="file"),
        pytest.param("<img src='http://127.0.0.1:9/x.png'>", "asked for http://127.0.0.1:9/x.png", id="network"),
        pytest.param("<script>console.error('broken')</script>", "logged broken", id="console"),
        pytest.param("<script>null.x</script>", "threw Cannot read properties of null", id="exception"),
        pytest.param("<script>Promise.reject(new Error('late'))</script>", "threw late", id="rejection"),
        pytest.param("<script>alert('in')</script>", "said in", id="dialog"),
        pytest.param(f"{POLICY}<img src='http://127.0.0.1:9/x.png'>", "Content Security Policy", id="policy"),
        pytest.param(f"{POLICY}<style>p {{ color: red }}</style>", "Content Security Policy", id="inline-style"),
    ],
)
def test_watch_sees(chromium, tmp_path, body, noise):
    """A tab keeps a noise of each kind."""
    assert any(noise in each for each in noises(chromium, tmp_path, body)), noise


def test_silence_is_none(chromium, tmp_path):
    """A page that does nothing leaves no noise."""
    assert noises(chromium, tmp_path, "<p>nothing</p>") == []


def noises(chromium, tmp_path, body):
    """Return what a tab keeps of a page."""
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><title>page</title>{body}")
    with chromium.new_context() as context:
        tab = Tab(context, file)
        tab.page.goto(file.as_uri())
        tab.page.evaluate("1")  # what came before has been told
    return tab.noises
