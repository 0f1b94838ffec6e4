"""What a function of jax does: the equations of its jaxpr and of its gradient's, by what goes into each.

Where a part is compiled by itself is part of it, because rounding depends on what is fused; how that part is called,
and which of two equations that do not need one another comes first, is not.
"""

from __future__ import annotations

from typing import Any

import jax

from harness.adapters import Function, Native
from harness.adapters.jax import passes

COPIES = frozenset({"copy", "copy_p"})  # the same numbers in the same dtype


def traced(function: Function, *arrays: Native) -> str:
    """Return the equations of a function's value and of its gradient with respect to the first array."""
    return equations(jax.make_jaxpr(passes.differentiated(function, 0))(*arrays))


def equations(closed: Any) -> str:
    """Return the equations that the outputs of a jaxpr need, in the order in which they are needed."""
    jaxpr, constants = closed.jaxpr, closed.consts
    made = {var: equation for equation in jaxpr.eqns for var in equation.outvars}
    names = {var: f"%{number}" for number, var in enumerate(jaxpr.invars)}
    names |= {var: f"constant {value!r}" for var, value in zip(jaxpr.constvars, constants, strict=True)}
    lines: list[str] = []

    def name(var: Any) -> str:
        if hasattr(var, "val"):
            return f"{var.val!r}:{var.aval}"
        if var not in names:
            equation = made[var]
            if equation.primitive.name in COPIES:
                return name(equation.invars[0])
            inputs = ", ".join(map(name, equation.invars))
            given = ", ".join(f"{key}={text(value)}" for key, value in equation.params.items() if key != "name")
            place = len(names)
            for number, output in enumerate(equation.outvars):
                names[output] = f"%{place}.{number}:{output.aval}"
            lines.append(f"%{place} = {equation.primitive.name}({inputs}; {given})")
        return names[var]

    outputs = [name(var) for var in jaxpr.outvars]
    return "\n".join([*lines, *outputs])


def text(value: Any) -> str:
    """Return a parameter of an equation: of one that is compiled by itself, its equations."""
    return f"[{equations(value)}]" if hasattr(value, "eqns") and hasattr(value, "consts") else str(value)
