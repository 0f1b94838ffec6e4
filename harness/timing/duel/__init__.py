"""Decide which of two implementations is faster, by how much, and how sure that is.

The same code in two fresh processes differs by about 1 % for as long as they live, and no number of samples in one of
them averages that out. So a side is several worker processes, and the process is what is replicated. `worker` runs in
each and `stamps` times in it; `gateways` starts them at a `site` and gives them orders (`order`) on shared `arrays`.
`pairing` says in which order they are timed, `decision` is the statistics, `waves` times two sides, `tournament` and
`ranking` many at once. `fairness` states what a figure holds and what not.
"""
