"""Which test vectors the project publishes, and how they are checked."""
