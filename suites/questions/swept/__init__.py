"""What sweeps ask: lines of numbers, and pairs of them."""
