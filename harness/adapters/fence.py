"""What a framework may answer instead of an array: that it does not offer this, or that it is not here."""

from __future__ import annotations


class NotSupported(Exception):  # noqa: N818 - an answer, not an error
    """The framework does not offer what was asked; raised while building a function, never while tracing it."""


class NotInstalled(Exception):  # noqa: N818 - a state, not an error
    """The framework cannot be imported here."""
