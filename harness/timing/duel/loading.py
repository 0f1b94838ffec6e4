"""Many calls prepared by many workers: each worker's in turn, as many workers at once as there are cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.timing.duel.gateways import Loaded, Refused, Worker, WorkerLost, Workers
from harness.timing.duel.order import Order

Keyed = tuple[Worker, str, Order]  # the key: what the worker is to keep the call under
Answer = tuple[str, Loaded | WorkerLost | Refused]


def load_in_turn(workers: Workers, orders: Sequence[Keyed]) -> list[Answer]:
    """Let every worker prepare its calls, and return what came of each, by its key.

    First calls take as long as many blocks, so workers are prepared beside one another. What one of them refuses, no
    other is asked any more; nor is one that is lost.
    """
    by_worker: dict[Worker, list[Keyed]] = {}
    for order in orders:
        by_worker.setdefault(order[0], []).append(order)
    refused: set[str] = set()

    def in_turn(orders: Sequence[Keyed]) -> list[Answer]:
        answers: list[Answer] = []
        for order in orders:
            key = order[1]
            if key in refused:
                continue
            (answer,) = workers.load_each([order])
            answers.append((key, answer))
            if isinstance(answer, WorkerLost):
                break
            if isinstance(answer, Refused):
                refused.add(key)
        return answers

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        return [answer for answers in pool.map(in_turn, by_worker.values()) for answer in answers]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for what workers have in hand
