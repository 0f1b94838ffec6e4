"""Which run a command goes on with: this machine's own, not finished, of the same options; never just the latest."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model import Run
from harness.store.location import without_passwords

SHOWN = 3  # unfinished runs that are named


def of_same(runs: Iterable[Run], here: Run) -> Run:
    """Return the unfinished run that came last of those that `here`, a new one, would be; runs in order of arrival.

    Raises ValueError where there is none, with the unfinished ones that there are.
    """
    unfinished = [run for run in runs if run.finished is None]
    own = [run for run in unfinished if run.host == here.host and words(run) == words(here)]
    if not own:
        what = "--resume is given, expected an unfinished run of these options, begun on this machine"
        if not unfinished:
            raise ValueError(f"{what}; none is unfinished; try: without --resume")
        listed = "; ".join(f"{run.uid}: {run.command}" for run in unfinished[-SHOWN:])
        raise ValueError(f"{what}; unfinished are {listed}; try: --run-uid of the run to go on with")
    return own[-1]


def words(run: Run) -> list[str]:
    """Return a command's words, in no order, without the program's name and without what goes on with a run."""
    return sorted(word for word in without_passwords(run.command).split()[1:] if word != "--resume")
