"""ONNX models, written operator by operator: functions of symbols become graphs, one model an opset and shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from harness.adapters import Function, NotSupported
from harness.model import Array
from harness.options import repeated

NEWEST = onnx.defs.onnx_opset_version()


@dataclass
class Graph:
    """A graph that is being written, in the words of an opset."""

    opset: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def apply(self, operator: str, *inputs: Symbol | Array | float, **attributes: Any) -> Symbol:
        """Add an operator to the graph; return what it gives. Raises NotSupported for one that the opset has not.

        Axes are an attribute of a reduction, or an input, by the opset.
        """
        try:
            schema = onnx.defs.get_schema(operator, max_inclusive_version=self.opset)
        except onnx.defs.SchemaError as missing:
            raise NotSupported(f"opset {self.opset} has no operator {operator}") from missing
        if "axes" in attributes and "axes" not in schema.attributes:
            inputs = (*inputs, np.array(attributes.pop("axes"), np.int64))
        like = first(inputs)
        names = [self._named(one, like) for one in inputs]
        output = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return Symbol(self, output, like.dtype, like.shape)

    def _named(self, given: Symbol | Array | float, like: Symbol) -> str:
        if isinstance(given, Symbol):
            return given.name
        array = given if isinstance(given, np.ndarray) else np.asarray(given).astype(like.dtype)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name


@dataclass(frozen=True)
class Symbol:
    """A tensor in a graph. dtype, shape: of what it was made of; an operator's own may be another shape."""

    graph: Graph
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def __mul__(self, other: Symbol | float) -> Symbol:
        return self.graph.apply("Mul", self, other)

    def __add__(self, other: Symbol | Array) -> Symbol:
        return self.graph.apply("Add", self, other)

    def __sub__(self, other: Symbol) -> Symbol:
        return self.graph.apply("Sub", self, other)

    def __rsub__(self, other: float) -> Symbol:
        return self.graph.apply("Sub", other, self)

    def __neg__(self) -> Symbol:
        return self.graph.apply("Neg", self)


def first(inputs: Iterable[Symbol | Array | float]) -> Symbol:
    """Return the first symbol among the inputs of an operator."""
    return next(one for one in inputs if isinstance(one, Symbol))


class Operators:
    """ONNX's operators by name, each a function of symbols; attributes are named."""

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        """Return an operator."""
        if name.startswith("_"):
            raise AttributeError(name)

        def operator(*inputs: Symbol | Array | float, **attributes: Any) -> Symbol:
            return first(inputs).graph.apply(name, *inputs, **attributes)

        return operator


def weights(like: Symbol, pattern: str, axis: int) -> Array:
    """Return a pattern along an axis of a tensor, in its dtype, to be a constant of its graph."""
    return np.array(repeated(pattern, like.shape[axis])).astype(like.dtype)


def model(function: Function, arrays: Sequence[Array], opset: int) -> onnx.ModelProto:
    """Return the model of a function for arrays of these dtypes and shapes.

    Raises NotSupported where the opset does not offer what the function calls.
    """
    graph = Graph(opset)
    symbols = [Symbol(graph, f"x{place}", array.dtype, array.shape) for place, array in enumerate(arrays)]
    given = [_value(symbol) for symbol in symbols]
    result = function(*symbols)
    answer = helper.make_tensor_value_info(result.name, _type(result), None)
    body = helper.make_graph(graph.nodes, "xentbench", given, [answer], graph.constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)])


def _value(symbol: Symbol) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(symbol.name, _type(symbol), symbol.shape)


def _type(symbol: Symbol) -> int:
    return int(helper.np_dtype_to_tensor_dtype(symbol.dtype))
