"""Further names of jax's functions, each of which is shown to do what a row does; they are not asked again."""

from __future__ import annotations

from harness.adapters.jax.functions import CATALOGUE

CATALOGUE.spelled("softmax", "jax.nn.softmax", "jax.scipy.special.softmax", axis=0)
CATALOGUE.spelled("log_softmax", "jax.nn.log_softmax", "jax.scipy.special.log_softmax", axis=0)
CATALOGUE.spelled("sigmoid", "jax.nn.sigmoid", "jax.scipy.special.expit", "jax.lax.logistic")
