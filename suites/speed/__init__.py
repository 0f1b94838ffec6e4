"""Who is faster: what is timed, against whom, and how it is stored."""
