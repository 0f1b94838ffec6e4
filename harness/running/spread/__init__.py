"""Work that is spread over processes and machines, and what is done of it."""
