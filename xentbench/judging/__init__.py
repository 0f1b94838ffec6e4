"""`xentbench judge` and `accept`: functions of a file, judged by all that the frameworks' own are judged by."""
