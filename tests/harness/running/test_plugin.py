"""The plugin's options, as a user types them."""

import re

import pytest

from harness import adapters
from harness.running import plugin


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("torch", (("torch", ""),)),
        ("torch,jax:jit", (("torch", ""), ("jax", "jit"))),
        (" torch , jax:jit ,", (("torch", ""), ("jax", "jit"))),
        ("jax:jit,jax:eager", (("jax", "jit"), ("jax", "eager"))),
    ],
)
def test_pairs(text, read):
    """Frameworks and modes are read in the order given, blanks and a last comma forgiven."""
    assert plugin.pairs(text) == read


@pytest.mark.parametrize("text", ["tourch", "torch,tourch", "Torch", ":eager", "torch eager"])
def test_unknown_framework_lists_the_choices(text):
    """A framework that no adapter has is an error that lists those there are."""
    with pytest.raises(
        ValueError, match=rf"^--on is '{re.escape(text.rpartition(',')[2])}', expected one of "
    ) as error:
        plugin.pairs(text)

    assert all(name in str(error.value) for name in adapters.names())


def test_choices():
    """A list is read in the order given, nothing as nothing."""
    assert plugin.choices("--op", "b, a,", ("a", "b", "c")) == ("b", "a")
    assert plugin.choices("--op", "", ("a",)) == ()


def test_unknown_choice_lists_the_choices():
    """A name that is not known is an error that lists those that are."""
    with pytest.raises(ValueError, match=r"^--op is 'd', expected one of a, b$"):
        plugin.choices("--op", "a,d", ("a", "b"))


@pytest.mark.parametrize("text", ["", "a,b", "d"])
def test_one_choice_is_one(text):
    """Where one name is wanted, none and two are errors as well."""
    with pytest.raises(ValueError, match=rf"^--preset is '{text}', expected one of a, b$"):
        plugin.choice("--preset", text, ("a", "b"))


@pytest.mark.parametrize(("text", "read"), [("", (1, 1)), ("1/1", (1, 1)), ("2/4", (2, 4)), ("04/10", (4, 10))])
def test_shard(text, read):
    """A part of a whole is read; nothing is all of it."""
    assert plugin.shard(text) == read


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "0/0", "1", "1/", "/4", "-1/4", "1/4/4", "a/b", "1.0/4", "1/99999", "1/²"]
)
def test_part_of_no_whole(text):
    """What is no part of a whole is an error that says what would be."""
    with pytest.raises(ValueError, match=rf"^--shard is '{re.escape(text)}', expected i/n with i from 1 to n; try: "):
        plugin.shard(text)


@pytest.mark.parametrize("text", ["ci-7", "20260101T000000-abc", "1.2_3", "a" * 80])
def test_run_uid(text):
    """An id is taken as it is."""
    assert plugin.run_uid(text) == text


@pytest.mark.parametrize(
    "text", ["latest", "latest~1", "", "a b", "a/b", "a@b", "-x", "<script>", "a" * 81, "é", "a\n"]
)
def test_run_uid_that_would_be_mistaken(text):
    """An id that could be a path, a file's run or the latest one is refused."""
    with pytest.raises(ValueError, match=r"--run-uid is .*, expected up to 80 letters"):
        plugin.run_uid(text)
