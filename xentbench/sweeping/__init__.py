"""`xentbench sweep`: every number there is."""
