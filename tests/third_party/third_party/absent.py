"""A framework that is not installed."""

import no_such_framework

__all__ = ["no_such_framework"]
