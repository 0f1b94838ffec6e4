"""The plugin's options, as a user types them."""

import re

import pytest

from harness import adapters, plugin


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
