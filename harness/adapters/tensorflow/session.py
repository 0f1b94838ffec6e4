"""TF 1: a graph over placeholders, run in a session."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from harness.adapters import Function, Native
from harness.model import Array


class Feed(NamedTuple):
    """What a session is fed: an array in numpy's memory, and the device where the graph shall run."""

    array: Array
    device: str


def in_session(function: Function) -> Function:
    """Run as TF 1 did: a graph over placeholders with a free number of rows, in a session, fed by numpy.

    A graph fixes device, dtypes and class count, so each set of them has its own, built when first seen.
    """
    calls: dict[tuple[object, ...], Function] = {}

    def build(feeds: tuple[Feed, ...]) -> Function:
        graph = tf.Graph()
        with graph.as_default(), tf.device(feeds[0].device):
            placeholders = [
                tf.compat.v1.placeholder(array.dtype, (None, *array.shape[1:]) if array.ndim else ())
                for array, _ in feeds
            ]
            fetches = function(*placeholders)
        config = tf.compat.v1.ConfigProto(  # a session does not read what tf.config was told
            allow_soft_placement=True,  # as outside sessions
            intra_op_parallelism_threads=tf.config.threading.get_intra_op_parallelism_threads(),
            inter_op_parallelism_threads=tf.config.threading.get_inter_op_parallelism_threads(),
            gpu_options=tf.compat.v1.GPUOptions(allow_growth=True),
        )
        call: Function = tf.compat.v1.Session(graph=graph, config=config).make_callable(fetches, placeholders)
        return call

    def run(*feeds: Feed) -> Native:
        key = tuple((device, array.dtype, array.ndim, array.shape[1:]) for array, device in feeds)
        if key not in calls:
            calls[key] = build(feeds)
        return calls[key](*(array for array, _ in feeds))

    return run
