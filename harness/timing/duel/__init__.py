"""Decide which of two implementations is faster, by how much, and how sure that is.

The same code in two fresh processes differs by about 1 % for as long as they live, and no number of samples in one of
them averages that out. So a side is several worker processes, and the process is what is replicated: `worker` runs in
each and `stamps` times in it, `gateways` starts and asks them, `deposit` holds their arrays, `seating` prepares many,
`pairing` says in which order they are timed, `decision` is the statistics, `contest` puts two sides through it,
`ranking` and `tournament` many at once, `fairness` states what a figure holds and what not.
"""
