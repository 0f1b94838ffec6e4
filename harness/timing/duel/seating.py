"""Many questions for many workers: each worker in turn, as many at once as there are cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.timing.duel.gateways import Question, Refused, Seat, Staff, Worker, WorkerLost

Given = tuple[Worker, str, Question]  # the key: what the worker is to hold it under
Answered = tuple[str, Seat | WorkerLost | Refused]


def seat_in_turn(staff: Staff, given: Sequence[Given]) -> list[Answered]:
    """Give every worker its questions, and return what came of each, by its key.

    First calls take as long as many blocks, so workers are prepared beside one another. What one of them refuses, no
    other is asked any more; nor is one that is lost.
    """
    of_workers: dict[Worker, list[Given]] = {}
    for one in given:
        of_workers.setdefault(one[0], []).append(one)
    refused: set[str] = set()

    def in_turn(questions: Sequence[Given]) -> list[Answered]:
        heard: list[Answered] = []
        for question in questions:
            if question[1] in refused:
                continue
            (found,) = staff.seat_each([question])
            heard.append((question[1], found))
            if isinstance(found, WorkerLost):
                break
            if isinstance(found, Refused):
                refused.add(question[1])
        return heard

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        return [each for heard in pool.map(in_turn, of_workers.values()) for each in heard]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for what workers have in hand
