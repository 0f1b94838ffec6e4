"""How an answer is asked for, measured and judged."""
